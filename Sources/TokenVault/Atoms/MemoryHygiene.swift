// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

/// What the process does about secrets that lie outside the arena: in curl, in OpenSSL, in dead
/// stack.
public enum MemoryHygiene {
    /// Gives libcurl and OpenSSL allocators that wipe what they free. The first thing in `main`:
    /// OpenSSL refuses once it has allocated, and curl ignores the call once it is initialised.
    public static func install() {
        tv_wiping_allocators_install()
        precondition(Sodium.ready, "libsodium does not initialise")
    }

    /// Before `install` only: plain allocators, and scrubs that do nothing. For proofs that must
    /// fail on a process without this care.
    package static func forbidWiping() { tv_wiping_forbid() }

    /// For executables, the first thing in `main`, before `install` and before there are threads;
    /// a library must not decide this for its host. False where the kernel refused the last two:
    ///
    /// - The signals of a crash (`SIGSEGV` and kin) end the process at once. Swift's crash reporter
    ///   (`SWIFT_BACKTRACE`) would print what registers point at, which may be a token.
    /// - `SSLKEYLOGFILE`, `OPENSSL_CONF`, `OPENSSL_CONF_INCLUDE`, `OPENSSL_ENGINES` and
    ///   `OPENSSL_MODULES` are unset: curl would write the keys of each TLS connection to a file,
    ///   and OpenSSL load what they name.
    /// - `PR_SET_DUMPABLE 0` and `RLIMIT_CORE 0`: no core file, no ptrace by the same user.
    public static func hardenProcess() -> Bool { tv_harden_process() }

    /// True once curl has allocated through the wiping allocator: it was not initialised before.
    public static var curlHeapWiped: Bool { tv_curl_allocated() }

    /// True once OpenSSL has. False before the first TLS connection, and where the host used
    /// OpenSSL before `install`.
    public static var tlsHeapWiped: Bool { tv_openssl_allocated() }

    /// Zeroes 16 KiB of dead stack and the vector registers: about 0.2 microseconds. Whatever
    /// handles plaintext does so before it returns, and before it awaits: the thread is then
    /// another's.
    @inline(__always)
    static func scrub() { tv_scrub_small() }

    /// The same for what OpenSSL reaches: 128 KiB, about 2 microseconds.
    @inline(__always)
    static func scrubLarge() { tv_scrub_large() }
}

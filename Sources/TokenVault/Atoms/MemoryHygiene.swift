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

    /// `PR_SET_DUMPABLE 0` and `RLIMIT_CORE 0`: no core file, no ptrace by the same user. For
    /// executables; a library must not decide that for its host. False where the kernel refused.
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
}

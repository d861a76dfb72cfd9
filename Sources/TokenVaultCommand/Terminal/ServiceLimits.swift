// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the machine gives a process that serves, looked at as it starts: what is scarce is said
/// with what mends it, and not met for the first time at night.
enum ServiceLimits {
    /// Below so many descriptors commands and browsers may have to wait for each other.
    private static let descriptorsMin: rlim_t = 1024
    /// Below so much room on the disk it is worth a word, in MiB.
    private static let freeMegabytesMin: UInt64 = 256

    /// - Parameter path: the vault's directory.
    static func check(_ path: String, _ warn: (String) throws -> Void) rethrows {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        if unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < descriptorsMin {
            try warn(
                "only \(limit.rlim_cur) file descriptors may be open at a time, and each command, "
                    + "browser and provider takes one: raise the hard limit (ulimit -Hn 16384, or "
                    + "LimitNOFILE=16384)")
        }
        var status = statvfs()
        if unsafe statvfs(path, &status) == 0 {
            // A file system over a network may say anything.
            let (bytes, overflow) = UInt64(status.f_bavail)
                .multipliedReportingOverflow(by: UInt64(status.f_frsize))
            let free = (overflow ? UInt64.max : bytes) >> 20
            if free < freeMegabytesMin {
                try warn(
                    "the vault's disk has \(free) MiB free: where it is full nothing can be "
                        + "refreshed; make room on it")
            }
        }
    }
}

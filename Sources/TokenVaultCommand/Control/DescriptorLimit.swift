// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many descriptors this process may have open: each connection is one.
enum DescriptorLimit {
    /// The most that are asked for.
    private static let wanted: rlim_t = 16_384

    /// Asks for as many as are wanted, or as the process may have. Best effort.
    static func raise() {
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        _ = unsafe setrlimit(resource, &limit)
    }

    /// One of so many equal parts of them; at least 16.
    static func share(_ parts: Int, atMost most: Int) -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return 16 }
        return max(16, min(most, Int(clamping: limit.rlim_cur) / parts))
    }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
}

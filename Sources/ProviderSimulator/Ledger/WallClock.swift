// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The time of day, for the replies that state one. Lifetimes are kept on a clock that nobody
/// can set.
enum WallClock {
    /// Seconds since 1970. The server's own clock offset is not in it: a client's clock would not
    /// have moved either.
    static var unixSeconds: Int { time(nil) }
}

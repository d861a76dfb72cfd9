// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// How long the answer to a refresh is listened for at most, in milliseconds; 0 where the same
    /// refresh token can always be presented again: it is never replaced, or there is none. Where a
    /// replaced one is still taken for a while, it is less as long as that lasts.
    package var listenMilliseconds: Int {
        guard rotation != .never, refreshGrant == .refreshToken else { return 0 }
        let seconds = min(
            max(listenSeconds, Self.listenSecondsRange.lowerBound),
            Self.listenSecondsRange.upperBound)
        return Int(seconds) * 1000
    }
}

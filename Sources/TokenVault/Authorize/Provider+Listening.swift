// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// How long the answer to a refresh is listened for, in milliseconds; 0 where the same refresh
    /// token can be presented again: it is never replaced, or a replaced one is still taken for a
    /// while, or there is none.
    package var listenMilliseconds: Int {
        guard rotation != .never, reuseGraceSeconds <= 0, refreshGrant == .refreshToken else {
            return 0
        }
        let seconds = min(
            max(listenSeconds, Self.listenSecondsRange.lowerBound),
            Self.listenSecondsRange.upperBound)
        return Int(seconds) * 1000
    }
}

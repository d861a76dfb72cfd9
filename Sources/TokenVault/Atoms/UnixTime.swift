// SPDX-License-Identifier: Apache-2.0

/// A moment on the wall clock: milliseconds since 1970-01-01 00:00 UTC, as it is kept at rest.
public struct UnixTime: Hashable, Comparable, Sendable {
    /// Milliseconds since the epoch.
    public let milliseconds: Int64

    /// A moment by its milliseconds since the epoch.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// A moment by its seconds since the epoch; saturates instead of overflowing.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        milliseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds since the epoch, rounded down.
    public var seconds: Int64 {
        milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
    }

    /// The earlier one comes first.
    public static func < (left: Self, right: Self) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The moment `milliseconds` later; saturates.
    public func adding(milliseconds other: Int64) -> UnixTime {
        let (sum, overflow) = milliseconds.addingReportingOverflow(other)
        return UnixTime(milliseconds: overflow ? (other < 0 ? .min : .max) : sum)
    }

    /// Milliseconds from `earlier` to this moment; saturates.
    public func milliseconds(since earlier: UnixTime) -> Int64 {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return overflow ? (milliseconds < 0 ? .min : .max) : difference
    }
}

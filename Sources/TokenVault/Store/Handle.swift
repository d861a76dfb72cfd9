// SPDX-License-Identifier: Apache-2.0

/// Stands for a record in this process: a small, dense number that the store gives out, so that
/// what is kept of each of a million connections is four bytes and not its key.
///
/// Later it may stand for another record: before acting on one, ask for its key.
struct Handle: Hashable, Comparable, Sendable {
    let number: UInt32

    /// None; never given out.
    static let none = Handle(number: .max)

    static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What `#expect` is for values that cannot be copied: it wants to keep their parts.
func check(
    _ holds: Bool, _ comment: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    if !holds {
        Issue.record(Comment(rawValue: comment()), sourceLocation: sourceLocation)
    }
}

/// The value, or the end of the test.
func unwrap<Value>(
    _ value: Value?, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Value {
    try #require(value, sourceLocation: sourceLocation)
}

/// The code of the error that `body` throws, without waiting; nil where it throws none.
func refusal(_ body: () throws -> Void) -> VaultError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? VaultError)?.code
    }
}

extension Secret {
    /// A copy with one byte changed.
    func with(_ byte: UInt8, at offset: Int) throws(VaultError) -> Secret {
        var copy = try copy()
        copy.store(byte, at: offset)
        return copy
    }

    /// A copy of another length.
    func cut(to count: Int) throws(VaultError) -> Secret {
        var copy = try Secret(zeroes: max(count, self.count))
        copy.store(bytes, at: 0)
        copy.shorten(to: count)
        return copy
    }
}

// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

extension [UInt8] {
    /// Lends the bytes as a span, as a secret would.
    func lend<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let span = span
        return try body(unsafe span.bytes)
    }
}

extension String {
    /// Lends the UTF-8 bytes as a span.
    func lend<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result { try Array(utf8).lend(body) }

    /// The text as a secret; in tests alone.
    func secret() throws(VaultError) -> Secret {
        try lend { (span) throws(VaultError) in try Secret(copying: span) }
    }
}

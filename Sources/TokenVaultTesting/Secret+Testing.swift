// SPDX-License-Identifier: Apache-2.0

public import TokenVault

extension Secret {
    /// A secret made of text that is not secret: what a `ProviderSimulator` issued, or a test made
    /// up. The text of a true secret would stay in memory, where nothing wipes it.
    ///
    /// - Parameter text: 1 byte to 64 KiB of UTF-8.
    /// - Throws: `limitExceeded`, `tooManySecrets`.
    public init(testing text: String) throws(VaultError) {
        let span = text.utf8Span.span
        try unsafe self.init(copying: span.bytes)
    }

    /// The same the other way: a token in the clear, to compare it with what the server issued.
    public var exposedForTesting: String {
        unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

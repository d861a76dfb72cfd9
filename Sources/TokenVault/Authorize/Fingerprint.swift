// SPDX-License-Identifier: Apache-2.0

/// BLAKE2b-256 of a random value: enough to know the value again, too little to show it. What has
/// to remember a state, a link or a cookie in a table keeps this instead.
package struct Fingerprint: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    /// The fingerprint of bytes of at least 128 random bits; of fewer, it would give them away.
    ///
    /// - Throws: `tooManySecrets`.
    package init(_ span: RawSpan) throws(VaultError) {
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(span, into: &output)
        self.init(hash)
    }

    /// The fingerprint of any bytes, under a random key that is kept nowhere.
    ///
    /// - Throws: `tooManySecrets`.
    package init(_ span: RawSpan, key: borrowing Secret) throws(VaultError) {
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(span, key: key, into: &output)
        self.init(hash)
    }

    private init(_ hash: borrowing Secret) {
        let bytes = hash.bytes
        words = SIMD4(
            bytes.integer(at: 0), bytes.integer(at: 8), bytes.integer(at: 16),
            bytes.integer(at: 24))
    }
}

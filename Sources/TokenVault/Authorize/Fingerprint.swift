// SPDX-License-Identifier: Apache-2.0

/// Keyed BLAKE2b-256 of bytes: enough to know them again, too little to show them. What has to
/// remember a request in a table keeps this instead.
package struct Fingerprint: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    /// The fingerprint of any bytes, under a random key that is kept nowhere.
    ///
    /// - Throws: `tooManySecrets`.
    package init(_ span: RawSpan, key: borrowing Secret) throws(VaultError) {
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(span, key: key, into: &output)
        let bytes = hash.bytes
        words = SIMD4(
            bytes.integer(at: 0), bytes.integer(at: 8), bytes.integer(at: 16),
            bytes.integer(at: 24))
    }
}

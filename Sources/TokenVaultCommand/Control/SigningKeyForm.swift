// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What may be told of a signing key, as JSON has it. The private key travels beside it.
struct SigningKeyForm: Codable, Sendable {
    /// Nil for the usual one of its kind.
    var algorithm: String?
    /// Nil for the thumbprint of the public key; empty for none.
    var keyID: String?
    /// How many bytes at the end of what travels beside a request are the private key; nil in an
    /// answer.
    var byteCount: Int?

    enum CodingKeys: String, CodingKey {
        case algorithm
        case keyID = "key_id"
        case byteCount = "byte_count"
    }

    init(_ summary: Vault.SigningKeySummary) {
        algorithm = summary.algorithm.name
        keyID = summary.keyID.isEmpty ? nil : summary.keyID
    }

    init(algorithm: String?, keyID: String?, byteCount: Int) {
        (self.algorithm, self.keyID, self.byteCount) = (algorithm, keyID, byteCount)
    }

    /// How long a private key is; nil where there is none.
    static func byteCount(_ privateKey: borrowing Secret?) -> Int? {
        switch privateKey {
        case .some(let key): key.count
        case .none: nil
        }
    }

    /// The key, taken off the end of what travels beside a request.
    func takeKey(from secret: inout Secret?) throws -> SigningKey {
        let refused = VaultError(.invalidArgument, .vault)
        guard let both = secret.take(), let byteCount, byteCount > 0, byteCount <= both.count
        else { throw refused }
        let middle = both.count - byteCount
        let bytes = both.bytes
        let privateKey = try Secret(copying: bytes.extracting(middle..<bytes.byteCount))
        if middle > 0 { secret = try Secret(copying: bytes.extracting(0..<middle)) }
        let named = algorithm.map { SigningKey.Algorithm(name: $0) }
        if case .some(.none) = named { throw refused }
        return try SigningKey(
            privateKey: privateKey, algorithm: named ?? nil, keyID: keyID)
    }

    /// What travels beside a request: the client secret, where there is one, and the private key.
    static func joined(
        _ clientSecret: consuming Secret?, _ privateKey: consuming Secret?
    ) throws -> Secret? {
        guard let key = privateKey.take() else { return clientSecret }
        guard let clientSecret = clientSecret.take() else { return key }
        return try joined(clientSecret, key)
    }

    private static func joined(
        _ first: borrowing Secret, _ second: borrowing Secret
    ) throws -> Secret {
        var both = try Secret(zeroes: first.count + second.count)
        var span = both.mutableBytes
        for index in 0..<first.count {
            span.storeBytes(of: first.bytes.byte(at: index), toByteOffset: index, as: UInt8.self)
        }
        for index in 0..<second.count {
            let offset = first.count + index
            span.storeBytes(of: second.bytes.byte(at: index), toByteOffset: offset, as: UInt8.self)
        }
        return both
    }
}

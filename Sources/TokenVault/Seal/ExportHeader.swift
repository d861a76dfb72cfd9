// SPDX-License-Identifier: Apache-2.0

/// The first 256 bytes of an export, as the article ImportAndExport has them, and the key of the
/// stream that follows.
enum ExportHeader {
    static let byteCount = 256
    static let magic: StaticString = "TKEXPORT"
    static let version: UInt16 = 1

    private static let kindAt = 10
    private static let operationsAt = 16
    private static let memoryAt = 24
    private static let saltAt = 32
    private static let publicKeyAt = 48
    private static let boxAt = 80
    private static let streamAt = 160
    private static let commitmentAt = 192
    private static let checksumAt = 224

    private static let passphraseKind: UInt8 = 1
    private static let recipientKind: UInt8 = 2

    /// A header, and the stream that it begins.
    struct Begun: ~Copyable {
        let header: Secret
        let state: Secret
    }

    /// Makes a header, and begins the stream.
    static func make(
        _ key: borrowing ExportKey
    ) throws -> Begun {
        precondition(Sodium.ready)
        var header = try Secret(zeroes: byteCount)
        let name = magic.utf8CodeUnitCount
        for index in 0..<name { header.store(unsafe magic.utf8Start[index], at: index) }
        header.store(version, at: name)
        let streamKey: Secret
        switch key {
        case .passphrase(let passphrase):
            header.store(passphraseKind, at: kindAt)
            header.store(Sodium.argon2idModerateOperations, at: operationsAt)
            header.store(UInt64(Sodium.argon2idModerateMemoryBytes), at: memoryAt)
            let salt = try Secret(random: Sodium.saltBytes)
            header.store(salt.bytes, at: saltAt)
            streamKey = try stretch(passphrase, salt.bytes)
        case .publicKey(let text):
            header.store(recipientKind, at: kindAt)
            let digits = text.utf8Span.span
            guard let recipient = try unsafe ExportKey.key(digits.bytes) else {
                throw ExportError(.malformedKey)
            }
            header.store(recipient.bytes, at: publicKeyAt)
            streamKey = try Secret(random: Sodium.keyBytes)
            var box = header.mutableBytes(boxAt..<streamAt)
            guard Sodium.sealBox(streamKey.bytes, to: recipient.bytes, into: &box) else {
                throw ExportError(.malformedKey)
            }
        case .privateKey: throw ExportError(.malformedKey)
        }
        var state = try Secret(zeroes: Sodium.streamStateBytes)
        var stream = header.mutableBytes(streamAt..<streamAt + Sodium.streamHeaderBytes)
        Sodium.beginWriting(&state, key: streamKey, header: &stream)
        var commitment = try commitment(of: header, streamKey)
        header.store(commitment.bytes, at: commitmentAt)
        commitment = try checksum(of: header)
        header.store(commitment.bytes, at: checksumAt)
        return Begun(header: header, state: state)
    }

    /// Checks a header, and begins to read the stream.
    static func open(_ header: borrowing Secret, _ key: borrowing ExportKey) throws -> Secret {
        precondition(Sodium.ready)
        try check(header)
        let bytes = header.bytes
        let streamKey: Secret
        switch key {
        case .passphrase(let passphrase):
            guard bytes.byte(at: kindAt) == passphraseKind else {
                throw ExportError(.needsPrivateKey)
            }
            // No other was ever written: whoever changed it wants it guessed, or memory used up.
            guard bytes.integer(at: operationsAt) == Sodium.argon2idModerateOperations,
                bytes.integer(at: memoryAt) == UInt64(Sodium.argon2idModerateMemoryBytes)
            else { throw ExportError(.headerAltered) }
            streamKey = try stretch(passphrase, bytes.extracting(saltAt..<publicKeyAt))
            guard try isKey(streamKey, of: header) else { throw ExportError(.wrongPassphrase) }
        case .privateKey(let text):
            guard bytes.byte(at: kindAt) == recipientKind else {
                throw ExportError(.needsPassphrase)
            }
            streamKey = try openBox(header, text)
            guard try isKey(streamKey, of: header) else { throw ExportError(.headerAltered) }
        case .publicKey: throw ExportError(.needsPrivateKey)
        }
        var state = try Secret(zeroes: Sodium.streamStateBytes)
        let stream = bytes.extracting(streamAt..<streamAt + Sodium.streamHeaderBytes)
        Sodium.beginReading(&state, key: streamKey, header: stream)
        return state
    }

    private static func openBox(
        _ header: borrowing Secret, _ text: borrowing Secret
    ) throws -> Secret {
        guard let privateKey = try ExportKey.key(text.bytes) else {
            throw ExportError(.malformedKey)
        }
        var own = try Secret(zeroes: Sodium.keyBytes)
        var ownBytes = own.mutableBytes
        guard Sodium.publicKey(of: privateKey, into: &ownBytes) else {
            throw ExportError(.malformedKey)
        }
        let recipient = header.bytes.extracting(publicKeyAt..<boxAt)
        guard Sodium.isEqual(own.bytes, recipient) else { throw ExportError(.wrongPrivateKey) }
        var streamKey = try Secret(zeroes: Sodium.keyBytes)
        var output = streamKey.mutableBytes
        guard
            Sodium.openBox(
                header.bytes.extracting(boxAt..<streamAt), publicKey: recipient,
                privateKey: privateKey, into: &output)
        else { throw ExportError(.headerAltered) }
        return streamKey
    }

    /// Whether bytes begin as an export does.
    static func isBeginning(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= magic.utf8CodeUnitCount
            && bytes.extracting(0..<magic.utf8CodeUnitCount).equalsText(magic)
    }

    /// What can be said of a header before there is a key.
    private static func check(_ header: borrowing Secret) throws {
        guard isBeginning(header.bytes) else { throw ExportError(.notAnExport) }
        let checksum = try checksum(of: header)
        guard
            Sodium.isEqual(checksum.bytes, header.bytes.extracting(checksumAt..<byteCount))
        else { throw ExportError(.headerAltered) }
        guard header.bytes.integer(at: magic.utf8CodeUnitCount) == version else {
            throw ExportError(.newerVersion)
        }
    }

    private static func isKey(
        _ streamKey: borrowing Secret, of header: borrowing Secret
    ) throws(VaultError) -> Bool {
        let commitment = try commitment(of: header, streamKey)
        return Sodium.isEqual(commitment.bytes, header.bytes.extracting(commitmentAt..<checksumAt))
    }

    private static func commitment(
        of header: borrowing Secret, _ streamKey: borrowing Secret
    ) throws(VaultError) -> Secret {
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(header.bytes.extracting(0..<commitmentAt), key: streamKey, into: &output)
        return hash
    }

    /// Tells accidents from another key.
    private static func checksum(of header: borrowing Secret) throws(VaultError) -> Secret {
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(header.bytes.extracting(0..<checksumAt), into: &output)
        return hash
    }

    private static func stretch(_ passphrase: borrowing Secret, _ salt: RawSpan) throws -> Secret {
        guard RootKey.passphraseBytes.contains(passphrase.count) else {
            throw ExportError(.malformedPassphrase)
        }
        var key = try Secret(zeroes: Sodium.keyBytes)
        var output = key.mutableBytes
        guard
            Sodium.argon2id(
                passphrase: passphrase.bytes, salt: salt,
                operations: Sodium.argon2idModerateOperations,
                memoryBytes: Sodium.argon2idModerateMemoryBytes, into: &output)
        else { throw ExportError(.outOfMemory) }
        return key
    }
}

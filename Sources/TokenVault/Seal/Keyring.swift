// SPDX-License-Identifier: Apache-2.0

/// Every key of an open vault but the data keys, unwrapped from HEADER; wiped when the vault
/// closes.
///
/// The root key itself is not kept.
final class Keyring: Sendable {
    let vaultID: InlineArray<16, UInt8>
    let currentTerm: UInt32
    /// Seals the data keys of the current term.
    let slotKey: Secret
    /// Blinds ids into LMDB keys.
    let blindingKey: Secret
    /// Keys the elements of the store MAC.
    let storeMACKey: Secret
    let rootSealKey: Secret
    let eventSealKey: Secret
    let batchSealKey: Secret
    let flowBlindingKey: Secret

    /// Opens the keyring of the vault in `directory`.
    ///
    /// - Throws: `headerDamaged`, `unsupportedFormat`, `wrongRootKey`, and what the source throws.
    convenience init(_ directory: String, rootKey source: consuming RootKeySource)
        throws(VaultError)
    {
        let page = try Header.readPage(directory)
        let header = try Header(page: page.bytes)
        let isPassphrase = source.isPassphrase
        do throws(VaultError) {
            try self.init(page, header, RootKey(source, derivation: header.derivation))
        } catch {
            // What HEADER says of it nothing vouches for: a hint.
            guard error.code == .wrongRootKey, isPassphrase != (header.derivation != nil) else {
                throw error
            }
            throw VaultError(
                .wrongRootKey, .seal, isPassphrase ? .passphraseForKey : .keyForPassphrase)
        }
    }

    /// Opens the keyring that a page of HEADER holds.
    private convenience init(
        _ page: borrowing Secret, _ header: Header, _ rootKey: borrowing RootKey
    ) throws(VaultError) {
        let wrapKey = try Self.derive(rootKey.bytes, 1, "tkv1wrap")
        let commitment = try Self.derive(rootKey.bytes, 2, "tkv1comt")
        guard Sodium.isEqual(commitment.bytes, header.commitment.bytes) else {
            throw VaultError(.wrongRootKey, .seal)
        }
        guard Header.macHolds(page: page.bytes, wrapKey: wrapKey) else {
            throw VaultError(.headerDamaged, .seal)
        }
        try self.init(header, wrapKey: wrapKey)
    }

    /// Makes the keys of a new vault and writes its HEADER into `directory`.
    static func create(
        _ directory: String, rootKey source: consuming RootKeySource
    ) throws(VaultError) -> Keyring {
        try create(directory, rootKey: RootKey(source, derivation: nil))
    }

    /// The same with a root key that is open already, and comes from a passphrase the same way.
    static func create(
        _ directory: String, rootKey: borrowing RootKey
    ) throws(VaultError) -> Keyring {
        let wrapKey = try derive(rootKey.bytes, 1, "tkv1wrap")
        let commitment = try derive(rootKey.bytes, 2, "tkv1comt")
        let fresh = try Secret(random: 16)
        let vaultID = InlineArray<16, UInt8> { index in fresh.bytes.byte(at: index) }
        let keys = try Secret(random: Header.WrappedTerm.keysBytes)
        let term = try wrap(keys, term: 1, vaultID: vaultID, wrapKey: wrapKey)
        var header = Header(
            vaultID: vaultID, derivation: rootKey.derivation,
            commitment: RecordKey(commitment.bytes), term: term)
        try header.create(directory, wrapKey: wrapKey)
        return try Keyring(header, wrapKey: wrapKey)
    }

    private init(_ header: Header, wrapKey: borrowing Secret) throws(VaultError) {
        guard let term = header.terms.first(where: { $0.number == header.currentTerm }) else {
            throw VaultError(.headerDamaged, .seal)
        }
        var keys = try Secret(zeroes: Header.WrappedTerm.keysBytes)
        let associated = try Self.associated(header.vaultID, term.number)
        var output = keys.mutableBytes
        guard
            unsafe Sodium.open(
                term.sealed.span.bytes, associated: associated.bytes,
                nonce: term.nonce.span.bytes, key: wrapKey, into: &output)
        else { throw VaultError(.headerDamaged, .seal) }
        func part(_ index: Int) throws(VaultError) -> Secret {
            let start = index * Sodium.keyBytes
            return try Secret(copying: keys.bytes.extracting(start..<start + Sodium.keyBytes))
        }
        vaultID = header.vaultID
        currentTerm = header.currentTerm
        slotKey = try Self.derive(try part(0), 1, "tkv1slot")
        blindingKey = try part(1)
        storeMACKey = try part(2)
        rootSealKey = try Self.derive(try part(2), 1, "tkv1root")
        eventSealKey = try Self.derive(try part(3), 1, "tkv1evnt")
        batchSealKey = try Self.derive(try part(3), 2, "tkv1wave")
        flowBlindingKey = try Self.derive(try part(4), 2, "tkv1flid")
    }

    /// The key that seals the pending authorizations of the connection with this data key: they
    /// become unreadable with its slot.
    static func flowSealKey(_ dataKey: borrowing Secret) throws(VaultError) -> Secret {
        try derive(dataKey, 1, "tkv1flow")
    }

    private static func wrap(
        _ keys: borrowing Secret, term: UInt32, vaultID: InlineArray<16, UInt8>,
        wrapKey: borrowing Secret
    ) throws(VaultError) -> Header.WrappedTerm {
        let nonce = try Secret(random: Sodium.nonceBytes)
        let associated = try associated(vaultID, term)
        var sealed = try Secret(zeroes: Header.WrappedTerm.sealedBytes)
        var output = sealed.mutableBytes
        Sodium.seal(
            keys.bytes, associated: associated.bytes, nonce: nonce.bytes, key: wrapKey,
            into: &output)
        return Header.WrappedTerm(
            number: term, nonce: InlineArray { index in nonce.bytes.byte(at: index) },
            sealed: InlineArray { index in sealed.bytes.byte(at: index) })
    }

    private static func associated(
        _ vaultID: InlineArray<16, UInt8>, _ term: UInt32
    ) throws(VaultError) -> Secret {
        var associated = try Secret("tkv1term")
        guard unsafe associated.append(vaultID.span.bytes) else {
            throw VaultError(.outOfMemory, .seal)
        }
        let number = try Secret(integer: term)
        guard associated.append(number.bytes) else { throw VaultError(.outOfMemory, .seal) }
        return associated
    }

    private static func derive(
        _ key: borrowing Secret, _ number: UInt64, _ context: StaticString
    ) throws(VaultError) -> Secret {
        var derived = try Secret(zeroes: Sodium.keyBytes)
        var output = derived.mutableBytes
        Sodium.derive(from: key, number: number, context: context, into: &output)
        return derived
    }

    /// The keyring of a damaged vault, and the root key that another is to be made with.
    struct Salvaged: ~Copyable {
        let keyring: Keyring
        let rootKey: RootKey
        /// Whether both pages of HEADER are intact, and the newer one opened.
        let isWhole: Bool
    }

    /// Opens the keyring that any page of HEADER holds, the newer one first. For reading only:
    /// somebody may have put a page in place that is not intact but for its sum.
    ///
    /// - Throws: as `init`, of the newer page, where neither opens.
    static func salvage(
        _ directory: String, rootKey source: consuming RootKeySource
    ) throws(VaultError) -> Salvaged {
        let kept = try RootKey.Kept(source)
        let indexes = try Header.intactPages(directory)
        var first: VaultError?
        for index in indexes {
            do throws(VaultError) {
                guard let page = try Header.readPage(directory, index) else { continue }
                let header = try Header(page: page.bytes)
                let rootKey = try kept.rootKey(header.derivation)
                let keyring = try Keyring(page, header, rootKey)
                return Salvaged(
                    keyring: keyring, rootKey: rootKey,
                    isWhole: indexes.count == 2 && first == nil)
            } catch {
                first = first ?? error
            }
        }
        throw first ?? VaultError(.headerDamaged, .seal)
    }
}

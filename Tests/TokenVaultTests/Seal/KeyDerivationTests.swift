// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What HEADER may ask of whoever opens a vault with a passphrase, before anything authenticates
/// it.
@Suite("Key derivation") struct KeyDerivationTests {
    private static let phrase = "correct horse battery staple"

    private func key(
        _ operations: UInt64, _ memoryBytes: UInt64, limits: Argon2idLimits = .moderate
    ) throws {
        let derivation = KeyDerivation(
            operations: operations, memoryBytes: memoryBytes, salt: InlineArray { UInt8($0) })
        _ = try RootKey(
            .passphrase(Secret(text: Self.phrase), limits: limits), derivation: derivation)
    }

    @Test("More than a new vault has is refused at once, unless the caller allows it")
    func bounds() throws {
        for (operations, memory): (UInt64, UInt64) in [
            (4, 256 << 20), (3, 256 << 20 + 1), (64, 4 << 30), (3, 1 << 40), (.max, .max),
        ] {
            check(
                refusal { try key(operations, memory) } == .keyDerivationRefused,
                "\(operations) \(memory)")
        }
        for (operations, memory): (UInt64, UInt64) in [(2, 256 << 20), (3, 255 << 20), (0, 0)] {
            check(
                refusal { try key(operations, memory) } == .headerDamaged,
                "\(operations) \(memory)")
        }
        let wide = Argon2idLimits(operations: 4, memoryBytes: 256 << 20)
        try key(4, 256 << 20, limits: wide)
        check(refusal { try key(5, 256 << 20, limits: wide) } == .keyDerivationRefused)
        try key(3, 256 << 20)
    }

    @Test("Limits out of range are the caller's mistake")
    func ranges() {
        for limits in [
            Argon2idLimits(operations: 2, memoryBytes: 256 << 20),
            Argon2idLimits(operations: 65, memoryBytes: 256 << 20),
            Argon2idLimits(operations: 3, memoryBytes: 256 << 20 - 1),
            Argon2idLimits(operations: 3, memoryBytes: 4 << 30 + 1),
        ] {
            check(refusal { try key(3, 256 << 20, limits: limits) } == .invalidArgument)
        }
    }

    @Test("A vault made with more opens with as much")
    func madeWithMore() throws {
        let home = try TestVault()
        let limits = Argon2idLimits(operations: 4, memoryBytes: 256 << 20)
        try Vault.create(
            at: home.path, rootKey: .passphrase(Secret(text: Self.phrase), limits: limits))
        check(
            refusal {
                _ = try Vault.open(
                    at: home.path, rootKey: .passphrase(Secret(text: Self.phrase)))
            } == .keyDerivationRefused)
        _ = try Vault.open(
            at: home.path, rootKey: .passphrase(Secret(text: Self.phrase), limits: limits))
    }
}

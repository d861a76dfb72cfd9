// SPDX-License-Identifier: Apache-2.0

internal import TokenVault

/// What the scanner is to look for. Each token is kept XORed with a random mask of its own and
/// put together again by the scanner only, so that this process does not hold what it hopes not to
/// find.
struct Needles {
    private(set) var lines: [UInt8] = []
    /// How many there are.
    private(set) var count = 0

    /// Adds a token under a name without spaces.
    mutating func add(_ name: String, _ token: borrowing Secret) throws(VaultError) {
        let mask = try Secret(random: token.count)
        lines += Array(name.utf8) + [UInt8(ascii: " ")]
        for index in 0..<token.count { append(mask.bytes.byte(at: index)) }
        lines.append(UInt8(ascii: " "))
        for index in 0..<token.count {
            append(token.bytes.byte(at: index) ^ mask.bytes.byte(at: index))
        }
        lines.append(UInt8(ascii: "\n"))
        count += 1
    }

    /// Adds both tokens that a connection has at this moment.
    mutating func add(_ names: String, of connection: ConnectionID, in vault: Vault) throws {
        guard let stored = try vault.get(connection) else {
            throw DemoFailure("the vault has no tokens of \(connection)")
        }
        try add("\(names)-access-token", stored.tokens.accessToken)
        switch stored.tokens.refreshToken {
        case .none: throw DemoFailure("the vault has no refresh token of \(connection)")
        case .some(let token): try add("\(names)-refresh-token", token)
        }
    }

    private mutating func append(_ byte: UInt8) {
        lines.append(Secret.digit(byte >> 4))
        lines.append(Secret.digit(byte & 15))
    }
}

// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// A token, a code or a client secret of the virtual providers: it says itself what it is, so that
/// the world knows what passes by. A letter, a number, a full stop and another number.
struct TokenText: Equatable {
    enum Kind: UInt8 {
        /// `a`, the grant, and the moment it expires in true milliseconds.
        case access = 0x61
        /// `r`, the grant, and which refresh token of the grant it is.
        case refresh = 0x72
        /// `k`, the grant, and 0.
        case code = 0x6b
        /// `s`, the provider, and which of its secrets it is.
        case secret = 0x73
    }

    let kind: Kind
    let owner: Int
    let serial: Int64

    var text: String { "\(Character(Unicode.Scalar(kind.rawValue)))\(owner).\(serial)" }

    init(_ kind: Kind, _ owner: Int, _ serial: Int64) {
        self.kind = kind
        self.owner = owner
        self.serial = serial
    }

    /// Nil where `bytes` are no such text.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard let letter = bytes.first, let kind = Kind(rawValue: letter),
            let dot = bytes.firstIndex(of: UInt8(ascii: ".")),
            let owner = Self.number(bytes[(bytes.startIndex + 1)..<dot]),
            let serial = Self.number(bytes[(dot + 1)...])
        else { return nil }
        self.init(kind, Int(owner), serial)
    }

    init?(_ secret: borrowing Secret) { self.init(Self.copy(secret)[...]) }

    init?(_ token: borrowing LentToken) { self.init(token.secret) }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.count < 19 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    /// The bytes of a secret that is none.
    static func copy(_ secret: borrowing Secret?) -> [UInt8] {
        switch secret {
        case .some(let secret): copy(secret)
        case .none: []
        }
    }

    static func copy(_ secret: borrowing Secret) -> [UInt8] {
        unsafe secret.withUnsafeBytes { source in unsafe [UInt8](source) }
    }
}

extension TokenText {
    /// What a form of the vault's carries, by kind.
    struct Form {
        var refresh: TokenText?
        var access: TokenText?
        var code: TokenText?
        var secret: TokenText?

        /// The values are unreserved characters, so nothing is encoded; names do not matter.
        init(_ body: [UInt8]) {
            var start = 0
            for end in 0...body.count {
                guard end == body.count || body[end] == UInt8(ascii: "&") else { continue }
                defer { start = end + 1 }
                guard let equals = body[start..<end].firstIndex(of: UInt8(ascii: "=")),
                    let token = TokenText(body[(equals + 1)..<end])
                else { continue }
                switch token.kind {
                case .refresh: refresh = token
                case .access: access = token
                case .code: code = token
                case .secret: secret = token
                }
            }
        }
    }

    /// What a connection's record holds, read from its fields.
    struct Record {
        var refresh: TokenText?
        var access: TokenText?
        var state: UInt8 = 0
        /// An application's.
        var clientSecret: TokenText?

        init(_ plaintext: [UInt8], isApplication: Bool = false) {
            var offset = 0
            while offset + Fields.headBytes <= plaintext.count {
                let tag = UInt16(plaintext[offset]) | UInt16(plaintext[offset + 1]) << 8
                var length = 0
                for index in 0..<4 { length |= Int(plaintext[offset + 2 + index]) << (8 * index) }
                let start = offset + Fields.headBytes
                let end = min(start + length, plaintext.count)
                switch tag {
                case _ where isApplication:
                    if tag == ApplicationTag.clientSecret {
                        clientSecret = TokenText(plaintext[start..<end])
                    }
                case ConnectionTag.accessToken: access = TokenText(plaintext[start..<end])
                case ConnectionTag.refreshToken: refresh = TokenText(plaintext[start..<end])
                case ConnectionTag.state: state = start < end ? plaintext[start] : 0
                default: if tag > ConnectionTag.refreshToken { return }
                }
                offset = end
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The members of an answer that somebody here reads (RFC 6749 sections 5.1 and 5.2, and what
/// servers write beside them). Every other is passed over, and left out where there is no room.
enum ReplyMember: UInt8, CaseIterable {
    case accessToken, refreshToken, tokenType, scope
    /// The lifetime of the access token, and its names elsewhere.
    case expiresIn, expiresInCamel
    /// The moment at which it expires, and its names elsewhere.
    case expiresAt, expiresOn
    /// Either of the two.
    case expires
    /// The lifetime of the refresh token.
    case refreshTokenExpiresIn, refreshTokenExpiresInX, refreshExpiresIn
    case error
    /// Where some servers name their errors.
    case status

    /// The longest name, in bytes.
    static let nameBytesMax = 26

    var name: StaticString {
        switch self {
        case .accessToken: "access_token"
        case .refreshToken: "refresh_token"
        case .tokenType: "token_type"
        case .scope: "scope"
        case .expiresIn: "expires_in"
        case .expiresInCamel: "expiresIn"
        case .expiresAt: "expires_at"
        case .expiresOn: "expires_on"
        case .expires: "expires"
        case .refreshTokenExpiresIn: "refresh_token_expires_in"
        case .refreshTokenExpiresInX: "x_refresh_token_expires_in"
        case .refreshExpiresIn: "refresh_expires_in"
        case .error: "error"
        case .status: "status"
        }
    }

    /// The member of this name as it is written, without its quotes; nil for any other.
    init?(_ written: RawSpan, hasEscapes: Bool) {
        if !hasEscapes, written.byteCount > Self.nameBytesMax { return nil }
        for member in Self.allCases
        where JSONText.isText(written, hasEscapes: hasEscapes, member.name) {
            self = member
            return
        }
        return nil
    }

    /// The token that a name is that of, in any spelling: `accessToken`, `Refresh-Token`.
    static func token(named written: RawSpan, hasEscapes: Bool) -> ReplyMember? {
        let member = ReplyMember(written, hasEscapes: hasEscapes)
        if let member { return member.isToken ? member : nil }
        if isSpelled(written, "accesstoken") { return .accessToken }
        return isSpelled(written, "refreshtoken") ? .refreshToken : nil
    }

    private static func isSpelled(_ written: RawSpan, _ letters: StaticString) -> Bool {
        var matched = 0
        for offset in 0..<written.byteCount {
            let byte = written.byte(at: offset)
            if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") { continue }
            guard matched < letters.utf8CodeUnitCount,
                unsafe byte | 0x20 == letters.utf8Start[matched]
            else { return false }
            matched += 1
        }
        return matched == letters.utf8CodeUnitCount
    }

    /// Whether it names a token.
    var isToken: Bool { self == .accessToken || self == .refreshToken }

    /// Some of them.
    struct Set {
        private var bits: UInt16 = 0

        /// False where it was there before.
        mutating func insert(_ member: ReplyMember) -> Bool {
            let bit: UInt16 = 1 << UInt16(member.rawValue)
            defer { bits |= bit }
            return bits & bit == 0
        }
    }
}

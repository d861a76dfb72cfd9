// SPDX-License-Identifier: Apache-2.0

// What the connection has its tokens by.
extension ConnectionRecord {
    /// One that this version does not know is looked after as far as its refresh token goes.
    var grant: GrantType {
        fields.integer(ConnectionTag.grant).flatMap(GrantType.init(byte:)) ?? .authorizationCode
    }

    /// Whose token is asked for by it; nil where nobody is named.
    var subject: String? { fields.text(ConnectionTag.subject) }

    /// Before the tokens of the grant are taken over: of some there is no refresh token.
    mutating func set(_ grant: GrantType, subject: String? = nil) throws(VaultError) {
        try fields.set(ConnectionTag.grant, integer: grant.byte)
        try fields.set(ConnectionTag.subject, text: subject)
    }
}

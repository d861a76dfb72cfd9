// SPDX-License-Identifier: Apache-2.0

// What the connection has its tokens by.
extension ConnectionRecord {
    /// One that this version does not know is looked after as far as its refresh token goes.
    var grant: GrantType {
        fields.integer(ConnectionTag.grant).flatMap(GrantType.init(byte:)) ?? .authorizationCode
    }

    /// Before the tokens of the grant are taken over: of some there is no refresh token.
    mutating func set(_ grant: GrantType) throws(VaultError) {
        try fields.set(ConnectionTag.grant, integer: grant.byte)
    }
}

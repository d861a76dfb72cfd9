// SPDX-License-Identifier: Apache-2.0

// Whose account the connection is. What the look-up said before is kept over a reconnect, until it
// has spoken again.
extension ConnectionRecord {
    /// Whose account it is, as the look-up said.
    var account: String? { fields.text(ConnectionTag.account) }

    /// Whose it was before; also while nobody has said whose it is now.
    var earlierAccount: String? { fields.text(ConnectionTag.earlierAccount) }

    /// Whose it is as far as a look-up has ever said; nil where none has.
    var lastAccount: String? { account ?? earlierAccount }

    /// Takes over what the look-up says of the present tokens. True where they are of another
    /// account than those before.
    mutating func set(account: String?) throws(VaultError) -> Bool {
        try fields.set(ConnectionTag.account, text: account)
        guard let account, let earlierAccount else { return false }
        guard earlierAccount == account else { return true }
        try fields.set(ConnectionTag.earlierAccount, nil)
        return false
    }

    /// Before tokens of which nobody has said yet whose they are.
    mutating func forgetAccount() throws(VaultError) {
        guard let account else { return }
        // First, so that the record does not grow.
        try fields.set(ConnectionTag.account, nil)
        try fields.set(ConnectionTag.earlierAccount, text: account)
    }
}

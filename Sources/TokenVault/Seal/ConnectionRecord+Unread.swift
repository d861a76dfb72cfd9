// SPDX-License-Identifier: Apache-2.0

// A success of the provider's that named a token and that nobody could use: it may hold the only
// copy of the token that replaced the one in the record.
extension ConnectionRecord {
    /// Whether such a reply lies here. The pages and halves of answers that earlier versions kept
    /// do not count.
    var holdsUnread: Bool {
        guard let place = fields.range(ConnectionTag.unreadReply) else { return false }
        return UnreadReply.namesToken(fields.bytes.extracting(place))
    }

    /// Whether an operator wants the old refresh token presented all the same.
    var retriesUnread: Bool { fields.has(ConnectionTag.retriesUnread) }

    /// The reply, in a block of its own; nil where there is none.
    func unreadReply() throws(VaultError) -> Secret? {
        try fields.secret(ConnectionTag.unreadReply)
    }

    /// When the request that it answers was sent, as far as that was recorded.
    var unreadRequestStart: UnixTime? {
        fields.time(ConnectionTag.unreadRequestStart) ?? failure?.time
    }

    /// Keeps one until tokens come, in place of an earlier one.
    mutating func keepUnread(
        _ body: borrowing Secret, requestStart: UnixTime
    ) throws(VaultError) {
        try fields.set(ConnectionTag.unreadReply, body.bytes)
        try fields.set(ConnectionTag.unreadRequestStart, time: requestStart)
        try fields.set(ConnectionTag.retriesUnread, nil)
    }

    /// An operator wants the old refresh token presented; the reply stays until tokens come.
    mutating func retryUnread() throws(VaultError) {
        try fields.set(ConnectionTag.retriesUnread, integer: UInt8(1))
    }

    /// Tokens have come.
    mutating func forgetUnread() throws(VaultError) {
        guard fields.has(ConnectionTag.unreadReply) else { return }
        try fields.set(ConnectionTag.unreadReply, nil)
        try fields.set(ConnectionTag.unreadRequestStart, nil)
        try fields.set(ConnectionTag.retriesUnread, nil)
    }
}

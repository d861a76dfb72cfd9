// SPDX-License-Identifier: Apache-2.0

/// A connection link as it lies in the store, beside the flows: one that has no code verifier and
/// no device code.
enum LinkRecord {
    static func encode(_ link: PendingLink) throws(VaultError) -> Secret {
        var fields = try Fields()
        try fields.set(FlowTag.connection, text: link.connection.text)
        try fields.set(FlowTag.application, text: link.application.text)
        try fields.set(FlowTag.started, time: link.started)
        try fields.set(FlowTag.expires, time: link.expires)
        try fields.set(link.own, FlowTag.own)
        try fields.set(FlowTag.flow, text: link.flow.text)
        if link.awaitsConfirmation {
            try fields.set(FlowTag.awaitsConfirmation, integer: UInt8(1))
        }
        try fields.set(FlowTag.scope, texts: link.scopes ?? [])
        try fields.set(FlowTag.userScope, texts: link.userScopes ?? [])
        return try fields.secret.copy()
    }

    static func decode(_ fields: borrowing Fields) throws(VaultError) -> PendingLink {
        guard let connection = fields.text(FlowTag.connection),
            let application = fields.text(FlowTag.application),
            let flow = fields.text(FlowTag.flow),
            let started = fields.time(FlowTag.started), let expires = fields.time(FlowTag.expires)
        else { throw VaultError(.recordDamaged, .seal) }
        return PendingLink(
            connection: try ConnectionID(connection),
            application: try ApplicationID(application), flow: try FlowID(flow),
            awaitsConfirmation: fields.has(FlowTag.awaitsConfirmation),
            scopes: fields.has(FlowTag.scope) ? fields.texts(FlowTag.scope) : nil,
            userScopes: fields.has(FlowTag.userScope) ? fields.texts(FlowTag.userScope) : nil,
            started: started, expires: expires, own: try fields.own(FlowTag.own))
    }
}

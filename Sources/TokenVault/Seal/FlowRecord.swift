// SPDX-License-Identifier: Apache-2.0

/// A pending authorization as it lies in the store, to and from its fields.
enum FlowRecord {
    static func encode(_ flow: borrowing PendingAuthorization) throws(VaultError) -> Secret {
        var fields = try Fields()
        try fields.set(FlowTag.connection, text: flow.connection.text)
        try fields.set(FlowTag.application, text: flow.application.text)
        try fields.set(FlowTag.codeVerifier, flow.codeVerifier.bytes)
        switch flow.browserBinding {
        case .none: break
        case .some(let hash): try fields.set(FlowTag.browserBinding, hash.bytes)
        }
        try fields.set(FlowTag.started, time: flow.started)
        try fields.set(FlowTag.expires, time: flow.expires)
        try fields.set(FlowTag.requestedScope, text: flow.requestedScope)
        try fields.set(flow.own, FlowTag.own)
        return try fields.secret.copy()
    }

    static func decode(_ fields: borrowing Fields) throws(VaultError) -> PendingAuthorization {
        guard let connection = fields.text(FlowTag.connection),
            let application = fields.text(FlowTag.application),
            let codeVerifier = try fields.secret(FlowTag.codeVerifier),
            let started = fields.time(FlowTag.started), let expires = fields.time(FlowTag.expires)
        else { throw VaultError(.recordDamaged, .seal) }
        return PendingAuthorization(
            connection: try ConnectionID(connection),
            application: try ApplicationID(application), codeVerifier: codeVerifier,
            browserBinding: try fields.secret(FlowTag.browserBinding), started: started,
            expires: expires, requestedScope: fields.text(FlowTag.requestedScope),
            own: try fields.own(FlowTag.own))
    }
}

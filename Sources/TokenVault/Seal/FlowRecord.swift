// SPDX-License-Identifier: Apache-2.0

/// A pending authorization as it lies in the store, to and from its fields.
enum FlowRecord {
    static func encode(_ flow: borrowing PendingAuthorization) throws(VaultError) -> Secret {
        var fields = try Fields()
        try fields.set(FlowTag.connection, text: flow.connection.text)
        try fields.set(FlowTag.application, text: flow.application.text)
        switch flow.codeVerifier {
        case .none: break
        case .some(let verifier): try fields.set(FlowTag.codeVerifier, verifier.bytes)
        }
        switch flow.browserBinding {
        case .none: break
        case .some(let hash): try fields.set(FlowTag.browserBinding, hash.bytes)
        }
        try fields.set(FlowTag.started, time: flow.started)
        try fields.set(FlowTag.expires, time: flow.expires)
        try fields.set(FlowTag.requestedScope, text: flow.requestedScope)
        try fields.set(flow.own, FlowTag.own)
        switch flow.device {
        case .none: break
        case .some(let device): try encode(device, &fields)
        }
        try fields.set(FlowTag.flow, text: flow.flow?.text)
        if flow.awaitsConfirmation {
            try fields.set(FlowTag.awaitsConfirmation, integer: UInt8(1))
        }
        switch flow.heldQuery {
        case .none: break
        case .some(let query): try fields.set(FlowTag.heldQuery, query.bytes)
        }
        return try fields.secret.copy()
    }

    static func decode(_ fields: borrowing Fields) throws(VaultError) -> PendingAuthorization {
        guard let connection = fields.text(FlowTag.connection),
            let application = fields.text(FlowTag.application),
            let started = fields.time(FlowTag.started), let expires = fields.time(FlowTag.expires)
        else { throw VaultError(.recordDamaged, .seal) }
        let isOfDevice = fields.has(FlowTag.deviceCode)
        guard isOfDevice != fields.has(FlowTag.codeVerifier) else {
            throw VaultError(.recordDamaged, .seal)
        }
        var device: DeviceCode?
        if isOfDevice { device = try Self.device(fields) }
        return PendingAuthorization(
            connection: try ConnectionID(connection),
            application: try ApplicationID(application),
            codeVerifier: try fields.secret(FlowTag.codeVerifier),
            browserBinding: try fields.secret(FlowTag.browserBinding), started: started,
            expires: expires, requestedScope: fields.text(FlowTag.requestedScope),
            own: try fields.own(FlowTag.own), device: device,
            flow: try fields.text(FlowTag.flow).map { text throws(VaultError) in
                try FlowID(text)
            },
            awaitsConfirmation: fields.has(FlowTag.awaitsConfirmation),
            heldQuery: try fields.secret(FlowTag.heldQuery))
    }

    private static func encode(
        _ device: borrowing DeviceCode, _ fields: inout Fields
    ) throws(VaultError) {
        try fields.set(FlowTag.deviceCode, device.code.bytes)
        try fields.set(FlowTag.interval, integer: device.intervalSeconds)
        try fields.set(FlowTag.userCode, text: device.userCode)
        try fields.set(FlowTag.verificationURI, text: device.verificationURI)
        try fields.set(FlowTag.verificationURIComplete, text: device.verificationURIComplete)
    }

    private static func device(_ fields: borrowing Fields) throws(VaultError) -> DeviceCode {
        guard let code = try fields.secret(FlowTag.deviceCode),
            let interval: Int64 = fields.integer(FlowTag.interval),
            let userCode = fields.text(FlowTag.userCode),
            let verificationURI = fields.text(FlowTag.verificationURI)
        else { throw VaultError(.recordDamaged, .seal) }
        return DeviceCode(
            code: code, userCode: userCode, verificationURI: verificationURI,
            verificationURIComplete: fields.text(FlowTag.verificationURIComplete),
            intervalSeconds: interval)
    }
}

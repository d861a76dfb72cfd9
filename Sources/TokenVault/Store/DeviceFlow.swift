// SPDX-License-Identifier: Apache-2.0

/// A device authorization that an earlier process began, as the scan at open found it.
struct DeviceFlow: Sendable {
    let key: RecordKey
    let connection: ConnectionID
    let started: UnixTime

    /// Nil for a flow that a browser ends.
    init?(_ key: RecordKey, _ fields: borrowing Fields) {
        guard fields.has(FlowTag.deviceCode), let started = fields.time(FlowTag.started),
            let connection = fields.text(FlowTag.connection).flatMap({ try? ConnectionID($0) })
        else { return nil }
        self.key = key
        self.connection = connection
        self.started = started
    }
}

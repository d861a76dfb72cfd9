// SPDX-License-Identifier: Apache-2.0

/// What a complete scan found in a store that matches its MAC: the first writes may rely on it.
struct Verified: Sendable {
    /// How many records there are.
    let recordCount: Int
    /// Records whose disconnect has begun and is still to be finished.
    var fenced: [RecordKey] = []
    var flows = FlowSchedule()
    /// The device authorizations among them.
    var devices: [DeviceFlow] = []
    /// Those whose callback waits for the platform's confirmation.
    var held: [RecordKey] = []
}

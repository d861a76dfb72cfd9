// SPDX-License-Identifier: Apache-2.0

// What was captured from the callback, the answers and the look-up: no secrets, and kept with the
// tokens.
extension ConnectionRecord {
    /// The captured values, in the order in which they first came.
    var captured: [(name: String, value: String)] {
        fields.ranges(ConnectionTag.captured).compactMap { fields.pair($0) }
    }

    /// Takes over captured values, each in place of one of the same name; the others stay. One that
    /// is longer than `capturedValueBytesMax`, or for which `capturedBytesMax` leaves no room, is
    /// left out: it must not cost the tokens.
    mutating func capture(_ values: [(name: String, value: String)]) throws(VaultError) {
        guard !values.isEmpty else { return }
        var kept = captured
        for (name, value) in values where value.utf8.count <= Provider.capturedValueBytesMax {
            var changed = kept
            if let index = kept.firstIndex(where: { $0.name == name }) {
                changed[index].value = value
            } else {
                changed.append((name, value))
            }
            if Self.byteCount(changed) <= Provider.capturedBytesMax { kept = changed }
        }
        try fields.set(ConnectionTag.captured, pairs: kept)
    }

    /// The captured values by their names.
    var capturedValues: [String: String] { fields.values(ConnectionTag.captured) }

    /// Before the tokens of another grant are taken over: it may be of somebody else.
    mutating func forgetCaptured() throws(VaultError) {
        try fields.set(ConnectionTag.captured, nil)
        try forgetAccount()
    }

    fileprivate static func byteCount(_ values: [(name: String, value: String)]) -> Int {
        values.reduce(0) { $0 + Fields.headBytes + 2 + $1.name.utf8.count + $1.value.utf8.count }
    }
}

extension TokenReply {
    /// The most that it adds to a record, in bytes.
    var addedBytesMax: Int { byteCount + ConnectionRecord.byteCount(captured) }
}

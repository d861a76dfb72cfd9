// SPDX-License-Identifier: Apache-2.0

extension ConnectionRecord {
    /// What was captured from the callback, the answers and the look-up, by name; no secret.
    var captured: [String: String] {
        var values: [String: String] = [:]
        for range in fields.ranges(ConnectionTag.captured) {
            if let pair = fields.pair(range) { values[pair.name] = pair.value }
        }
        return values
    }

    /// Whose account it is, as the look-up said.
    var account: String? { fields.text(ConnectionTag.account) }

    /// A new grant may be another account's.
    mutating func forgetCaptured() throws(VaultError) {
        try fields.set(ConnectionTag.captured, nil)
        try fields.set(ConnectionTag.account, nil)
    }

    /// Adds to it; a value of a name that is there is replaced.
    mutating func capture(_ values: [String: String]) throws(VaultError) {
        guard !values.isEmpty else { return }
        let all = captured.merging(values) { $1 }.sorted { $0.key < $1.key }
        try fields.set(ConnectionTag.captured, pairs: all.map { (name: $0.key, value: $0.value) })
    }
}

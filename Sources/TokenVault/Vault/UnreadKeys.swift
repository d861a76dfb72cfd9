// SPDX-License-Identifier: Apache-2.0

/// Connections in which a reply was seen to lie unread, in that order; perhaps not any more.
struct UnreadKeys {
    private(set) var keys: [RecordKey] = []
    private var known: Set<RecordKey> = []

    mutating func insert(_ key: RecordKey) {
        if known.insert(key).inserted { keys.append(key) }
    }

    mutating func remove(_ gone: Set<RecordKey>) {
        known.subtract(gone)
        keys.removeAll { gone.contains($0) }
    }
}

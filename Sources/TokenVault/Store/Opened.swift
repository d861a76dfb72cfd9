// SPDX-License-Identifier: Apache-2.0

/// A record as it was opened.
struct Opened: ~Copyable {
    let key: RecordKey
    let kind: SealedRecord.Kind
    let version: RecordVersion
    /// The tag of the value; all zeros where the store has none.
    let tag: InlineArray<16, UInt8>
    var fields: Fields
    /// What it is sealed with; nil where the store has no such thing.
    var dataKey: Secret?

    init(
        key: RecordKey, kind: SealedRecord.Kind, version: RecordVersion,
        tag: InlineArray<16, UInt8> = InlineArray(repeating: 0), fields: consuming Fields,
        dataKey: consuming Secret? = nil
    ) {
        self.key = key
        self.kind = kind
        self.version = version
        self.tag = tag
        self.fields = fields
        self.dataKey = dataKey
    }

    consuming func takeFields() -> Fields { fields }
}

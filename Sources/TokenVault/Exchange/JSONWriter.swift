// SPDX-License-Identifier: Apache-2.0

/// A JSON object that is written member by member: for what is sent, and no secret.
struct JSONWriter: ~Copyable {
    private var text: Secret
    private var isFirst = true
    private var fits = true

    /// - Parameter byteCountMax: how long it may become.
    init(byteCountMax: Int) throws(VaultError) {
        text = try Secret(capacity: byteCountMax)
        put("{")
    }

    private mutating func put(_ part: String) { fits = text.append(part) && fits }

    private mutating func begin(_ name: String) {
        if !isFirst { put(",") }
        isFirst = false
        put("\"\(name)\":")
    }

    /// A member that is text; null where it is nil.
    mutating func add(_ name: String, _ value: String?) {
        begin(name)
        guard let value else { return put("null") }
        put("\"")
        let span = value.utf8Span.span
        let appended = unsafe TextEncoding.appendJSONEscaped(span.bytes, to: &text)
        fits = appended && fits
        put("\"")
    }

    /// A member that is a number.
    mutating func add(_ name: String, _ value: Int64) {
        begin(name)
        put("\(value)")
    }

    /// Begins a member that is an object; what follows goes there until `end`.
    mutating func beginObject(_ name: String) {
        begin(name)
        put("{")
        isFirst = true
    }

    /// Ends the object.
    mutating func end() {
        put("}")
        isFirst = false
    }

    /// Ends all of it.
    ///
    /// - Throws: `limitExceeded` where it had no room.
    consuming func finish() throws(VaultError) -> Secret {
        put("}")
        guard fits else { throw VaultError(.limitExceeded, .exchange) }
        return text
    }
}

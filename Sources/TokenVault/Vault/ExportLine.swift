// SPDX-License-Identifier: Apache-2.0

/// A connection's record as a line of the article ImportAndExport, written where it will be sealed.
struct ExportLine: ~Copyable {
    private var line: Secret
    private var isFirst = true
    private var fits = true

    /// The longest line, and its end.
    static let byteCountMax = PortableConnection.lineBytesMax + 1

    /// Writes the record behind what `text` holds. False, with `text` as it was, where it would
    /// be longer than `byteCountMax`.
    static func append(_ record: borrowing ConnectionRecord, to text: inout Secret) -> Bool {
        let start = text.count
        var written = ExportLine(text)
        written.write(record)
        let fits = written.fits && written.line.count <= byteCountMax
        text = written.line
        if !fits { text.shorten(to: start) }
        return fits
    }

    private init(_ line: consuming Secret) { self.line = line }

    private mutating func write(_ record: borrowing ConnectionRecord) {
        put("{")
        text(.id, record, ConnectionTag.id)
        text(.application, record, ConnectionTag.application)
        if record.grant != .authorizationCode {
            member(.grant)
            put("\"\(record.grant.rawValue)\"")
            text(.subject, record, ConnectionTag.subject)
        }
        text(.accessToken, record, ConnectionTag.accessToken)
        text(.refreshToken, record, ConnectionTag.refreshToken)
        text(.tokenType, record, ConnectionTag.tokenType)
        text(.scope, record, ConnectionTag.grantedScope)
        text(.requestedScope, record, ConnectionTag.requestedScope)
        time(.issuedAt, record.fields.time(ConnectionTag.requestStart))
        time(.expiresAt, record.accessTokenExpiry)
        if record.accessTokenExpiry != nil {
            member(.expirySource)
            put("\"\(record.expirySource.lineText)\"")
        }
        time(.refreshTokenExpiresAt, record.refreshTokenExpiry)
        time(.createdAt, record.fields.time(ConnectionTag.created))
        time(.connectedAt, record.connected)
        time(.refreshedAt, record.refreshed)
        time(.usedAt, record.used)
        number(.refreshCount, Int64(clamping: record.refreshCount))
        number(.earlierGrants, Int64(record.earlierGrants))
        text(.account, record, ConnectionTag.account)
        pairs(.variables, record, ConnectionTag.values)
        pairs(.captured, record, ConnectionTag.captured)
        hidden(record)
        text(.clientID, record, ConnectionTag.ownClientID)
        text(.clientSecret, record, ConnectionTag.ownClientSecret)
        if record.state == .failed, let failure = record.failure {
            time(.grantLostAt, failure.time)
            if (1...999).contains(failure.status) {
                number(.grantLostStatus, Int64(failure.status))
            }
        }
        put("}\n")
    }

    private mutating func put(_ piece: String) {
        if fits { fits = line.append(piece) }
    }

    private mutating func member(_ member: LineMember) {
        put("\(isFirst ? "" : ",")\"\(member.rawValue)\":")
        isFirst = false
    }

    private mutating func quote(_ bytes: RawSpan) {
        put("\"")
        if fits { fits = TextEncoding.appendJSONEscaped(bytes, to: &line) }
        put("\"")
    }

    private mutating func text(
        _ name: LineMember, _ record: borrowing ConnectionRecord, _ tag: UInt16
    ) {
        guard let place = record.fields.range(tag), !place.isEmpty else { return }
        member(name)
        quote(record.fields.bytes.extracting(place))
    }

    /// Seconds since 1970, with milliseconds.
    private mutating func time(_ name: LineMember, _ time: UnixTime?) {
        guard let time, time.seconds >= 1 else { return }
        member(name)
        let rest = time.milliseconds % 1000
        put("\(time.seconds).\(rest < 100 ? "0" : "")\(rest < 10 ? "0" : "")\(rest)")
    }

    private mutating func number(_ name: LineMember, _ number: Int64) {
        guard number > 0 else { return }
        member(name)
        put("\(number)")
    }

    private mutating func quote(_ word: String) {
        let span = word.utf8Span.span
        unsafe quote(span.bytes)
    }

    private mutating func pairs(
        _ name: LineMember, _ record: borrowing ConnectionRecord, _ tag: UInt16
    ) {
        let pairs = record.fields.values(tag).sorted { $0.key < $1.key }
        guard !pairs.isEmpty else { return }
        member(name)
        for (index, pair) in pairs.enumerated() {
            put(index == 0 ? "{" : ",")
            quote(pair.key)
            put(":")
            quote(pair.value)
        }
        put("}")
    }

    private mutating func hidden(_ record: borrowing ConnectionRecord) {
        let names = record.fields.texts(ConnectionTag.hidden)
        guard !names.isEmpty else { return }
        member(.hidden)
        for (index, name) in names.enumerated() {
            put(index == 0 ? "[" : ",")
            quote(name)
        }
        put("]")
    }
}

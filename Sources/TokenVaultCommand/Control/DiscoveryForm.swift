// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What was discovered from an issuer, as JSON has it.
struct DiscoveryForm: Codable, Sendable {
    var issuer: String
    var fetched: Moment
    var documents: [String]
    var members: [String: MemberForm]
    var absences: [AbsenceForm]

    /// One member: what it holds, in one of three, and the documents that say so.
    struct MemberForm: Codable, Sendable {
        var text: String?
        var list: [String]?
        var flag: Bool?
        var sources: [String]
    }

    /// A place without a document.
    struct AbsenceForm: Codable, Sendable {
        var url: String
        var reason: String
    }

    init(_ discovery: Discovery) {
        issuer = discovery.issuer
        fetched = Moment(discovery.fetched)
        documents = discovery.documents
        members = [:]
        for (member, value) in discovery.metadata.values {
            var form = MemberForm(sources: discovery.metadata.sources[member] ?? [])
            switch value {
            case .text(let text): form.text = text
            case .list(let list): form.list = list
            case .flag(let flag): form.flag = flag
            }
            members[member.rawValue] = form
        }
        absences = discovery.absences.map { AbsenceForm(url: $0.url, reason: $0.reason) }
    }

    var discovery: Discovery {
        var values: [ServerMetadata.Member: ServerMetadata.Value] = [:]
        var sources: [ServerMetadata.Member: [String]] = [:]
        for (name, form) in members {
            guard let member = ServerMetadata.Member(rawValue: name) else { continue }
            values[member] =
                form.text.map { .text($0) } ?? form.list.map { .list($0) }
                ?? form.flag.map { .flag($0) }
            sources[member] = form.sources
        }
        return Discovery(
            issuer: issuer, metadata: ServerMetadata(values: values, sources: sources),
            fetched: fetched.time, documents: documents,
            absences: absences.map { Discovery.Absence(url: $0.url, reason: $0.reason) })
    }
}

/// What is kept of a discovery, as JSON has it.
struct DiscoveryRecordForm: Codable, Sendable {
    var fetched: Moment
    var documents: [String]
    var settings: [String]

    init(_ record: DiscoveryRecord) {
        fetched = Moment(record.fetched)
        documents = record.documents
        settings = record.settings
    }

    var record: DiscoveryRecord {
        DiscoveryRecord(fetched: fetched.time, documents: documents, settings: settings)
    }
}

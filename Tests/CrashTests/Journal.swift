// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import TokenVault

/// What the subject was heard to say, and so what a reopened vault must hold.
struct Journal {
    static let ids = 30

    /// One version of a connection's tokens.
    struct Version: Equatable {
        var generation: UInt64
        var access: String
        var refresh: String
    }

    enum Stored: Equatable {
        case absent, configured, disconnecting
        case present(Version)

        /// 0 where there are no tokens.
        var generation: UInt64 {
            if case .present(let version) = self { return version.generation }
            return 0
        }
    }

    enum Kind: UInt32, CaseIterable, Hashable {
        case idle, connect, put, authorize, refresh, disconnect, several
    }

    /// An operation that has begun and was never heard to return.
    struct Doubt {
        let kind: Kind
        let access: String
        let refresh: String
    }

    private(set) var known = [Stored](repeating: .absent, count: ids)
    private(set) var doubts: [Int: Doubt] = [:]
    /// The highest generation each id was ever acknowledged with, over all its lives.
    private var generations = [UInt64](repeating: 0, count: ids)
    /// The most durable writes each kind of operation was seen to take.
    private(set) var writesMax: [Kind: Int] = [:]
    private(set) var acknowledgements = 0
    private(set) var errors: [String] = []
    private let file: FileHandle

    init(path: String) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    var generationMax: UInt64 { generations.max() ?? 0 }

    /// Takes a line of the subject. A line that was cut off by the kill says nothing.
    mutating func hear(_ line: Substring) throws {
        try file.write(contentsOf: Data((line + "\n").utf8))
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 4, let kind = UInt32(words[2]).flatMap(Kind.init(rawValue:)),
            let id = Int(words[3])
        else {
            if line != "R" { errors.append("unknown line: \(line)") }
            return
        }
        switch words[0] {
        case "B":
            doubts[id] = Doubt(
                kind: kind, access: words.count > 5 ? words[4] : "",
                refresh: words.count > 5 ? words[5] : "")
        case "A" where words.count == 8:
            acknowledge(
                id, kind, writes: Int(words[4]) ?? 0,
                Version(
                    generation: UInt64(words[5]) ?? 0, access: words[6], refresh: words[7]))
        default: errors.append("the subject failed: \(line)")
        }
    }

    mutating func acknowledge(_ id: Int, _ kind: Kind, writes: Int, _ version: Version) {
        doubts[id] = nil
        acknowledgements += 1
        writesMax[kind] = max(writesMax[kind] ?? 0, writes)
        if kind != .disconnect, version.generation <= generations[id] {
            errors.append("c\(id): generation \(version.generation) went back")
        }
        settle(id, version.generation == 0 ? .absent : .present(version))
    }

    /// Takes what is there now for true: the check has judged it.
    mutating func settle(_ id: Int, _ stored: Stored) {
        known[id] = stored
        doubts[id] = nil
        generations[id] = max(generations[id], stored.generation)
    }

    mutating func forgetErrors() { errors = [] }

    /// Why `found` may not be there; nil where it may.
    func objection(_ id: Int, _ found: Stored) -> String? {
        let expected = known[id]
        if found == .disconnecting { return "c\(id) is still disconnecting" }
        if found == expected { return nil }
        guard let doubt = doubts[id] else { return "c\(id) is \(found), not \(expected)" }
        let isNewer = found.generation > generations[id]
        guard case .present(let version) = found else {
            let fits =
                found == .absent
                ? doubt.kind == .disconnect : doubt.kind == .authorize && expected == .absent
            return fits ? nil : "c\(id) is \(found) amid \(doubt.kind), not \(expected)"
        }
        let fits: Bool
        switch doubt.kind {
        case .connect, .put:
            fits = version.access == doubt.access && version.refresh == doubt.refresh
        case .refresh, .authorize:
            if case .present(let old) = expected {
                fits = version.access != old.access
            } else {
                fits = doubt.kind == .authorize
            }
        default: fits = false
        }
        return fits && isNewer ? nil : "c\(id) is \(found) amid \(doubt.kind), not \(expected)"
    }
}

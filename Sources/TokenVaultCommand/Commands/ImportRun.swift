// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// One import, batch by batch: what is left of it takes the same memory for any number of lines,
/// but for 8 bytes of each id, by which a second line of the same id is told.
final class ImportRun {
    private var source: LineSource
    private let replaces: Bool
    private let bar: ProgressBar
    private let report: ImportReport?
    private var ids: Set<Int> = []
    private var importedCount = 0
    private var alreadyThereCount = 0
    private var leftCount = 0
    private(set) var refusedCount = 0

    /// How many lines that were not imported are shown; a report has all of them.
    static let shownMax = 20
    /// The most lines of one import.
    static let linesMax = 50_000_000

    init(
        _ source: consuming LineSource, replaces: Bool, bar: ProgressBar, report: ImportReport?
    ) {
        self.source = source
        self.replaces = replaces
        self.bar = bar
        self.report = report
    }

    /// Before anything is imported: whether all of an export is there.
    func verify() throws {
        guard source.isExport else { return }
        try bar.begin("verifying")
        let total = source.byteCount ?? 0
        try source.verify { done in try bar.advance(to: Self.part(done, of: total)) }
    }

    func run(through door: any VaultDoor) async throws {
        try bar.begin("importing")
        while true {
            switch try source.next() {
            case .none: return
            case .some(let batch):
                for line in batch.tooLong {
                    let most = PortableConnection.lineBytesMax
                    try refuse(line, RefusedLine(line, LineFault(nil, .tooLong, limit: most)))
                }
                guard batch.first <= Self.linesMax else {
                    throw CommandFailure(
                        .badData, "more than \(Self.linesMax) lines: import them in several files")
                }
                let first = batch.first
                try await run(first, batch.takeLines(), through: door)
            }
            if let total = source.byteCount {
                try bar.advance(to: Self.part(source.doneBytes, of: total))
            }
        }
    }

    private func run(
        _ first: Int, _ lines: consuming Secret, through door: any VaultDoor
    ) async throws {
        guard lines.count > 0 else { return }
        let skips = try skips(first, lines)
        let request = Request.importLines(replaces: replaces, skips: skips)
        var form: ImportedForm?
        try await door.ask(request, secret: lines) { reply in
            if case .importedLines(let found) = reply { form = found }
        }
        guard let form else { throw ServedVault.unexpected }
        importedCount += form.importedCount
        alreadyThereCount += form.alreadyThereCount
        for line in form.left {
            leftCount += 1
            try tell(
                first + line, leftCount,
                "left as it is: the vault has other tokens of this connection, or another grant; "
                    + "--replace takes the line's")
        }
        for refused in form.refused { try refuse(first + refused.line, refused) }
    }

    /// The places of lines with an id that an earlier line has.
    private func skips(_ first: Int, _ lines: borrowing Secret) throws -> [Int] {
        var skips: [Int] = []
        for (place, id) in PortableConnection.ids(ofLines: lines).enumerated() {
            guard let id else { continue }
            guard !ids.insert(id.hashValue).inserted else { continue }
            skips.append(place)
            try refuse(first + place, RefusedLine(place, LineFault("id", .sameID)))
        }
        return skips
    }

    private func refuse(_ line: Int, _ refused: RefusedLine) throws {
        refusedCount += 1
        try tell(line, refusedCount, refused.text)
    }

    private func tell(_ line: Int, _ count: Int, _ text: String) throws {
        let text = "line \(line): \(text)".printable
        try report?.line(text)
        guard count <= Self.shownMax else { return }
        try bar.clear()
        try Outlet.errors.line(text)
        if count == Self.shownMax {
            try Outlet.errors.line(
                report == nil
                    ? "further ones are counted only: --report FILE writes all of them down"
                    : "further ones are in the report")
        }
    }

    /// The counts.
    func tell(of file: String) throws {
        try Outlet.output.line("imported: \(importedCount)")
        try Outlet.output.line("already there: \(alreadyThereCount)")
        if leftCount > 0 {
            try Outlet.output.line("there with other tokens, left as they are: \(leftCount)")
        }
        try Outlet.output.line("refused: \(refusedCount)")
        if !source.isExport, file != "-" {
            try Outlet.errors.line(
                "\(file.printable) holds every token in the clear: erase it (shred -u) once you "
                    + "need it no more, and its copies")
        }
    }

    private static func part(_ done: Int, of total: Int) -> Double {
        total > 0 ? Double(done) / Double(total) : 1
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// The definitions of the catalog, unmodified, at the providers that the practice server plays from
/// published facts: TLS under the real host names, through the vault's public verbs.
///
/// The definitions name no port, so the server listens on 443: whoever may not is told so, and
/// nothing is tried.
@Suite(
    "The catalog's definitions at the providers that are played", .serialized,
    .enabled(if: PlayedCertificate.canListen, "this user may not listen on port 443"))
struct PlayedTableTests {
    /// A row that is tried.
    private enum Finding {
        case proven
        /// It works, and nobody knows whether the provider is as it is played.
        case unproven
        case absent(String)
        case failed(String)

        var mark: String {
            switch self {
            case .proven: "ok"
            case .unproven: "ok?"
            case .absent: "n/a"
            case .failed: "FAIL"
            }
        }
    }

    @Test("Every provider of the first nineteen is there")
    func names() {
        #expect(
            ShippedProvider.all.map(\.name).sorted()
                == ProviderSimulator.Provider.all.map(\.name).sorted())
    }

    @Test("The table", .timeLimit(.minutes(10)))
    func table() async throws {
        try await Self.try(ShippedProvider.all)
    }

    @Test("Apps with other settings", .timeLimit(.minutes(5)))
    func variants() async throws {
        #expect(
            ShippedProvider.variants.map(\.played).sorted()
                == ProviderSimulator.Provider.variants.map(\.name).sorted())
        try await Self.try(ShippedProvider.variants)
    }

    /// Tries every cell, and prints the table.
    private static func `try`(_ providers: [ShippedProvider]) async throws {
        let certificate = try PlayedCertificate()
        var rows = [["provider"] + PlayedCell.allCases.map(\.rawValue)]
        var notes: [String] = []
        var counts: [String: Int] = [:]
        // A server that speaks TLS takes seconds to end: nobody waits for each.
        var endings: [Task<Void, Never>] = []
        for shipped in providers {
            var row = [shipped.played]
            for cell in PlayedCell.allCases {
                let (finding, ending) = await find(shipped, cell, certificate)
                if let ending { endings.append(ending) }
                row.append(finding.mark)
                counts[finding.mark, default: 0] += 1
                switch finding {
                case .proven, .unproven: break
                case .absent(let reason):
                    notes.append("\(shipped.played), \(cell.rawValue): n/a: \(reason)")
                case .failed(let words):
                    notes.append("\(shipped.played), \(cell.rawValue): FAIL: \(words)")
                    Issue.record("\(shipped.played), \(cell.rawValue): \(words)")
                }
            }
            rows.append(row)
        }
        for ending in endings { await ending.value }
        show(rows)
        for note in notes { print(note) }
        print(
            "\(counts["ok"] ?? 0) proven, \(counts["ok?"] ?? 0) work and rest on facts that are "
                + "unverified or of low confidence (ok?), \(counts["n/a"] ?? 0) n/a, "
                + "\(counts["FAIL"] ?? 0) failed")
    }

    private static func show(_ rows: [[String]]) {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map {
                $0.padding(toLength: $1, withPad: " ", startingAt: 0)
            }
            print("| \(cells.joined(separator: " | ")) |")
        }
    }

    private static func find(
        _ shipped: ShippedProvider, _ cell: PlayedCell, _ certificate: PlayedCertificate
    ) async -> (Finding, Task<Void, Never>?) {
        do {
            let stage = try await PlayedStage(shipped, certificate)
            let finding = await find(cell, on: stage)
            return (finding, Task { await stage.close() })
        } catch {
            return (.failed("\(error)"), nil)
        }
    }

    private static func find(_ cell: PlayedCell, on stage: PlayedStage) async -> Finding {
        if let reason = stage.played.reasonForAbsence(of: cell.subject) { return .absent(reason) }
        do {
            try await cell.run(on: stage)
        } catch {
            return .failed("\(error)")
        }
        return stage.played.confidence(of: cell.subject) <= .low ? .unproven : .proven
    }
}

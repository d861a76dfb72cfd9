// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault list`.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the connections and how they are.",
        discussion: """
            Green: used with success. Yellow: not used yet. Red: failed; `tokenvault status` says \
            why and what to do.

            EXAMPLES
              tokenvault list
              tokenvault list --json | jq -r 'select(.light == "red") | .id'
            """)

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func run() async throws {
        var statuses: [StatusForm] = []
        try await options.withDoor(readsUnverified: reading.readUnverified) { door in
            try await door.ask(.list) { reply in
                if case .status(let status) = reply { statuses.append(status) }
            }
        }
        statuses.sort { $0.id < $1.id }
        if json {
            for status in statuses { try Outlet.output.line(JSONLine.of(status)) }
            return
        }
        let now = SystemTime().now()
        let rows = statuses.map { status in
            [
                status.light, status.id, status.application ?? "-",
                status.expires?.time.distance(from: now) ?? "-",
                status.nextRefresh?.time.distance(from: now) ?? "-",
                status.nextStep == "none" ? "-" : status.nextStep,
            ]
        }
        try Table(["LIGHT", "ID", "APPLICATION", "EXPIRES", "REFRESH", "NEXT STEP"], rows).write()
    }
}

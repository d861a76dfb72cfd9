// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault audit`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Say what of a vault opens and what does not, and save what does.",
        discussion: """
            Opens every record by itself, whatever else is wrong with the vault, and never writes \
            in its directory. No other process may own it meanwhile.

            With --salvage every record that opens is copied into a new vault, which is made for \
            it and has the same root key. Each is sealed anew. Started flows and the log stay \
            behind. A record may be an older version that somebody put back; then its connection \
            has to be connected again. The old vault keeps what it has, so that what is \
            disconnected in the new one can still be read there: destroy it once the new one is \
            in use.

            The exit status is 0 where nothing is wrong with the vault, and 65 where anything is, \
            or where a record opens and is too long to be copied: its id is told. \
            With --salvage the new vault is there then, too, with all that opened. With any other \
            status none was made.

            EXAMPLES
              tokenvault audit --vault v --key-file v.key
              tokenvault audit --vault v --key-file v.key --salvage v2 --json
            """)

    @Option(help: "Copy every record that opens into a new vault here.")
    var salvage: String?

    @Flag(help: "One JSON object.")
    var json = false

    @OptionGroup var location: PathOptions
    @OptionGroup var key: KeyOptions

    func run() throws {
        let path = try location.path()
        var target = salvage
        while let name = target, name.count > 1, name.hasSuffix("/") {
            target = String(name.dropLast())
        }
        guard target?.isEmpty != true else {
            throw CommandFailure(.usage, "--salvage takes the path of a new vault")
        }
        let report =
            if let target {
                try Vault.salvage(path, into: target, rootKey: key.source())
            } else {
                try Vault.audit(path, rootKey: key.source())
            }
        let form = AuditForm(report, salvagedTo: target)
        if json {
            try Outlet.output.line(JSONLine.of(form))
        } else {
            for line in form.lines { try Outlet.output.line(line.printable) }
        }
        guard report.notCopied.isEmpty else {
            throw CommandFailure(
                .badData,
                "what opened is in the new vault, but for what is too long to be copied "
                    + "(\(report.notCopied.count)): connect those again")
        }
        guard report.isWhole else {
            throw CommandFailure(
                .badData,
                target == nil
                    ? "the vault is damaged: restore it from a backup of the whole directory, or "
                        + "save what opens with --salvage"
                    : "the old vault is damaged: what opened is in the new one; what did not has "
                        + "to be connected again, or restored from a backup")
        }
    }
}

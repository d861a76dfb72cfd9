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
            in its directory. No other process may have the vault open meanwhile; end `tokenvault \
            serve` first.

            With --salvage every record that opens is copied into a new vault. It has the same \
            root key, and every record is sealed under keys of its own. Flows that were started \
            and the log are left behind. A record may be an older version that somebody put back; \
            its connection then has to be connected again. The old vault keeps what it holds, so \
            what is disconnected in the new one can still be read there: destroy the old one once \
            the new one is in use.

            The exit status is 0 where nothing is wrong with the vault. It is 65 where anything \
            is: damage, a file that is missing, a mode, an owner or anything else that the other \
            commands refuse, or a record that opens and is too long to be copied, whose id is \
            printed. \
            If --salvage prints `copied to` (in JSON, salvaged_to), the new vault is there with \
            all that opened; otherwise none was made.

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
        let target = try newVault()
        let folder = try Self.folder(path)
        if let server = folder?.server {
            throw CommandFailure(
                .temporaryFailure,
                "\(server) serves this vault, and only a vault that nobody has open is audited: "
                    + "end it first")
        }
        let report: SalvageReport
        do {
            report = try self.report(path, target)
        } catch let error as VaultError where error.code == .vaultLocked {
            throw folder?.owned() ?? error.failure
        }
        let form = AuditForm(report, salvagedTo: target)
        if json {
            try Outlet.output.line(JSONLine.of(form))
        } else {
            for line in form.lines { try Outlet.output.line(line.printable) }
        }
        if let text = complaint(report) { throw CommandFailure(.badData, text) }
    }

    private func report(_ path: String, _ target: String?) throws -> SalvageReport {
        let root = try key.source(need: "an audit needs the vault's key")
        guard let target else { return try Vault.audit(path, rootKey: root) }
        return try Vault.salvage(path, into: target, rootKey: root)
    }

    /// The path of the new vault, without a slash at its end.
    private func newVault() throws -> String? {
        guard var target = salvage else { return nil }
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        guard !target.isEmpty else {
            throw CommandFailure(.usage, "--salvage takes the path of a new vault")
        }
        try ParentFolder.check(of: target, "--salvage")
        return target
    }

    /// Nil where others can get into the vault, or it is reached by a link: then nobody serves it.
    private static func folder(_ path: String) throws(VaultError) -> VaultFolder? {
        do throws(VaultError) {
            return try VaultFolder(path)
        } catch {
            guard error.code == .unsafeDirectory else { throw error }
            return nil
        }
    }

    /// What is wrong, and what to do next; nil where nothing is.
    private func complaint(_ report: SalvageReport) -> String? {
        if report.isDamaged, report.opened == 0 {
            return salvage == nil
                ? "nothing of the vault opens, so nothing can be salvaged: restore it from a "
                    + "backup of the whole directory, or make a new vault and connect again"
                : "nothing of the old vault opens, and the new one is empty: restore the old one "
                    + "from a backup of the whole directory, or add the applications to the new "
                    + "one and connect again"
        }
        guard report.notCopied.isEmpty else {
            return "what opened is in the new vault, but for what is too long to be copied "
                + "(\(report.notCopied.count)): connect those again"
        }
        if report.isDamaged {
            return salvage == nil
                ? "the vault is damaged: restore it from a backup of the whole directory, or save "
                    + "what opens with --salvage"
                : "the old vault is damaged: what opened is in the new one; what did not has to be "
                    + "connected again, or restored from a backup"
        }
        let obstacle = report.obstacle?.failure.message
        return obstacle.map { "every record opens, but the other commands refuse the vault: \($0)" }
    }
}

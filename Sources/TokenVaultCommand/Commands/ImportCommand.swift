// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TokenVault

/// `tokenvault import`.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over connections from another system, or from an export.",
        discussion: """
            FILE has one JSON object a line, at most \(PortableConnection.lineBytesMax) bytes \
            each; the article ImportAndExport lists the members. Each line is one connection: id, \
            application, access_token and refresh_token, expires_at, scope, and what else is \
            known. From then on it is refreshed as any other. FILE must be yours alone (chmod \
            600); - reads lines from standard input. Works beside `tokenvault serve`, too.

            A line that is wrong is reported by its number and imports nothing; the others do. \
            Run it again with the same file whenever it was interrupted: what is there with the \
            same tokens is passed over, and a connection with other tokens is left as it is, \
            since it was refreshed or connected again since. --replace takes the file's tokens all \
            the same: at a provider that replaces refresh tokens, that presents a token that was \
            replaced, and may end the grant.

            A sealed export takes --passphrase-file or --private-key-file, and all of it is \
            verified before anything is imported.

            The exit status is 65 where a line was refused. FILE is a copy of every token: erase \
            it, and end what refreshed them elsewhere, before this vault does.

            EXAMPLES
              tokenvault import tokens.jsonl --report refused.txt
              psql -XAtc "SELECT ..." | tokenvault import - --key-file v.key
              tokenvault import moved.tkx --passphrase-file moved.pass
            """)

    @Argument(help: "A file of lines, - for standard input, or an export.")
    var file: String

    @Flag(help: "Take the file's tokens also where the vault has others.")
    var replace = false

    @Option(help: "Write each line that was refused or left, and why, into a new file.")
    var report: String?

    @Option(help: "File with the passphrase of an export; yours, mode 0400 or 0600.")
    var passphraseFile: String?

    @Option(help: "File with the private key that an export was sealed to; the same.")
    var privateKeyFile: String?

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard passphraseFile == nil || privateKeyFile == nil else {
            throw ValidationError("give one of --passphrase-file and --private-key-file")
        }
        guard file != "-" || passphraseFile == nil && privateKeyFile == nil else {
            throw ValidationError("an export is read twice: give it as a file")
        }
    }

    func run() async throws {
        let report = try self.report.map { try ImportReport($0) }
        let bar = ProgressBar(.errors)
        do {
            let run = try ImportRun(source(), replaces: replace, bar: bar, report: report)
            try run.verify()
            do {
                try await options.withDoor { door in try await run.run(through: door) }
            } catch {
                try bar.clear()
                try run.tell(of: file)
                try Outlet.errors.line("tokenvault: what was not imported is, when it is run again")
                throw error
            }
            try bar.clear()
            try run.tell(of: file)
            guard run.refusedCount == 0 else {
                throw CommandFailure(
                    .badData,
                    "\(run.refusedCount) of the lines were refused: correct them and run it again")
            }
        } catch let error as ExportError {
            try bar.clear()
            throw error.failure(of: file)
        }
    }

    private func source() throws -> LineSource {
        if file == "-" { return try LineSource(descriptor: STDIN_FILENO) }
        try RegularFile.check(file)
        let key = try self.key()
        do {
            return try LineSource(path: file, key: key)
        } catch let error as VaultError {
            throw SecretFile.failure(error, of: file)
        }
    }

    private func key() throws -> ExportKey? {
        if let passphraseFile { return .passphrase(try SecretFile.read(passphraseFile)) }
        if let privateKeyFile { return .privateKey(try SecretFile.read(privateKeyFile)) }
        return nil
    }
}

/// A new file that says which lines were not imported, and why; no value of theirs.
final class ImportReport {
    private let outlet: Outlet

    init(_ path: String) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(.cannotCreate, "cannot make \(path)", errno: errno)
        }
        outlet = Outlet(descriptor: descriptor)
    }

    deinit { close(outlet.descriptor) }

    func line(_ text: String) throws { try outlet.line(text) }
}

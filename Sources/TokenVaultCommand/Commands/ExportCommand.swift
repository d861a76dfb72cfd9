// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TokenVault

/// `tokenvault export`.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Seal connections into a file that `tokenvault import` reads.",
        discussion: """
            Writes connections with their tokens and all that is known of them into a new file, \
            sealed with a passphrase or to a recipient's public key; there is no way to write them \
            in the clear. Applications are not in it: add them where it is imported.

            An export is a copy outside the vault: what is disconnected later is not erased in it. \
            It is for a move: from the first refresh on, here or there, a refresh token that the \
            provider replaces is of no use at the other end. So no process may serve the vault \
            meanwhile, and nothing should afterwards, but the vault that imports it.

            An export to a public key does not say who made it: whoever has that key can make \
            one, so import only what came from its maker by a way you trust.

            EXAMPLES
              tokenvault export moved.tkx --passphrase-file moved.pass --key-file v.key
              tokenvault export --keygen mine.private
              tokenvault export moved.tkx --recipient 5f1c... --app crm --key-file v.key
            """)

    /// The lights of `tokenvault list`.
    enum State: String, ExpressibleByArgument, CaseIterable {
        case green, yellow, red
    }

    @Argument(help: "The new file.")
    var file: String?

    @Option(help: "File with a passphrase of 8 to 1,024 bytes; yours, mode 0400 or 0600.")
    var passphraseFile: String?

    @Option(help: ArgumentHelp("The recipient's public key.", valueName: "64 digits"))
    var recipient: String?

    @Option(
        help: ArgumentHelp(
            "Make a pair of keys: the private one in a new file, the public one printed.",
            valueName: "file"))
    var keygen: String?

    @Option(name: .customLong("app"), help: "Only connections of this application; repeats.")
    var applications: [String] = []

    @Option(name: .customLong("state"), help: "Only connections with this light; repeats.")
    var states: [State] = []

    @Option(name: .customLong("id"), help: "Only this connection; repeats.")
    var ids: [String] = []

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard keygen == nil else {
            guard file == nil, passphraseFile == nil, recipient == nil else {
                throw ValidationError("--keygen makes keys and nothing else")
            }
            return
        }
        guard file != nil else { throw ValidationError("which file is to be made?") }
        guard (passphraseFile == nil) != (recipient == nil) else {
            throw ValidationError("give one of --passphrase-file and --recipient")
        }
    }

    func run() async throws {
        do {
            if let keygen { return try Self.makeKeys(keygen) }
            guard let file else { return }
            try await export(to: file)
        } catch let error as ExportError {
            throw error.failure(of: file ?? "")
        }
    }

    private func export(to file: String) async throws {
        try ParentFolder.check(of: file, "the export")
        let key = try key()
        let folder = try VaultFolder(options.location.path())
        if let server = folder.server {
            throw CommandFailure(
                .temporaryFailure,
                "\(server) serves this vault, and would refresh what is exported: end it first")
        }
        let door = try open(folder)
        defer { door.close() }
        try await Verification.of(door.vault)
        let receipt = try await door.vault.export(
            to: file, sealedWith: key, where: isNarrowed ? isWanted : nil)
        try Outlet.output.line("exported: \(receipt.exported)")
        let leftOut =
            [
                (receipt.notConnected, "nobody has completed their flow"),
                (receipt.unread, "an answer lies unread: see `tokenvault retry`"),
                (receipt.tooLong, "too long for a line"),
            ] + receipt.refusals
        for (count, reason) in leftOut where count > 0 {
            try Outlet.output.line("left out: \(count) (\(reason))")
        }
        try Outlet.errors.line(
            "\(file.printable) is a copy of them: what is disconnected later is not erased in it")
    }

    private func open(_ folder: VaultFolder) throws -> OwnVault {
        do {
            return try options.open(endsWithRequest: true)
        } catch let error as VaultError {
            throw error.code == .vaultLocked ? folder.owned() : error
        }
    }

    private func key() throws -> ExportKey {
        if let passphraseFile { return .passphrase(try SecretFile.read(passphraseFile)) }
        return .publicKey(recipient ?? "")
    }

    private var isNarrowed: Bool { !(applications.isEmpty && states.isEmpty && ids.isEmpty) }

    private var isWanted: @Sendable (ConnectionStatus) -> Bool {
        let (applications, ids) = (Set(applications), Set(ids))
        let lights = Set(states.map(\.rawValue))
        return { status in
            let isOfApplication =
                status.application.map { applications.contains($0.text) } ?? false
            return (applications.isEmpty || isOfApplication)
                && (ids.isEmpty || ids.contains(status.connection.text))
                && (lights.isEmpty || lights.contains(status.light.rawValue))
        }
    }

    private static func makeKeys(_ path: String) throws {
        try ParentFolder.check(of: path, "--keygen")
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = unsafe Glibc.open(path, flags, 0o400)
        guard file >= 0 else {
            throw CommandFailure(.cannotCreate, "cannot make \(path)", errno: errno)
        }
        defer { close(file) }
        let pair = try ExportKey.makePair()
        do {
            try Outlet(descriptor: file).line(pair.privateKey)
        } catch {
            unsafe unlink(path)
            throw error
        }
        guard fsync(file) == 0 else {
            let number = errno
            unsafe unlink(path)
            throw CommandFailure(.inputOutput, "cannot write \(path)", errno: number)
        }
        try Outlet.output.line(pair.publicKey)
        try Outlet.errors.line(
            "the private key is in \(path.printable); others seal to the public one, above")
    }
}

extension ExportReceipt {
    /// What an import would refuse: how many, and why.
    var refusals: [(Int, String)] {
        refused.map { fault, count in (count, "an import would refuse it: \(fault.text)") }
            .sorted { $0.1 < $1.1 }
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TokenVault

/// `tokenvault init`: makes a vault.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a new vault.",
        discussion: """
            Without its root key a vault cannot be opened, by anybody. Keep a copy of the key \
            where the vault's backups are not.

            EXAMPLES
              tokenvault init --vault v --key-file v.key --generate-key
              tokenvault init --vault v --passphrase
              systemd-creds decrypt v.cred - | tokenvault init --vault v --key-fd 0
            """)

    @OptionGroup var location: PathOptions
    @OptionGroup var key: KeyOptions

    @Flag(help: "Make the file of --key-file: 32 random bytes, mode 0400. Never overwrites one.")
    var generateKey = false

    func validate() throws {
        guard !generateKey || key.keyFile != nil else {
            throw ValidationError("--generate-key needs --key-file, to say where")
        }
    }

    func run() async throws {
        let path = try location.path()
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else { throw VaultError(.vaultExists, .store) }
        try ParentFolder.check(of: path, "--vault")
        if generateKey, let file = key.keyFile {
            try ParentFolder.check(of: file, "--key-file")
            try Self.makeKey(file)
        }
        if let file = key.keyFile, unsafe lstat(file, &status) != 0, errno == ENOENT {
            throw CommandFailure(
                .missing, "there is no key file \(file): --generate-key makes one")
        }
        do {
            try Vault.create(
                at: path, rootKey: key.source(isNew: true, need: "a new vault needs a key"))
        } catch {
            // The key just made opens nothing, unless the vault is there after all.
            if generateKey, let file = key.keyFile, unsafe lstat(path, &status) != 0 {
                unsafe unlink(file)
            }
            throw error
        }
        try Outlet.output.line("vault made at \(path.printable)")
        if generateKey, let file = key.keyFile {
            try Outlet.output.line("its root key is in \(file.printable): keep a copy elsewhere")
        }
    }

    private static func makeKey(_ path: String) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = unsafe open(path, flags, 0o400)
        guard file >= 0 else {
            throw CommandFailure(.cannotCreate, "cannot make the key file \(path)", errno: errno)
        }
        defer { close(file) }
        let key = try Secret(random: 32)
        let isWritten = unsafe key.withUnsafeBytes { buffer in
            unsafe write(file, buffer.baseAddress, buffer.count) == buffer.count
        }
        guard isWritten, fsync(file) == 0, syncFolder(of: path) else {
            let number = errno
            unsafe unlink(path)
            throw CommandFailure(.inputOutput, "cannot write the key file", errno: number)
        }
    }

    /// A vault must not survive a power cut that its key does not.
    private static func syncFolder(of path: String) -> Bool {
        let descriptor = unsafe open(ParentFolder.of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }
}

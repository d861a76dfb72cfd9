// SPDX-License-Identifier: Apache-2.0

import CCrashPoints
import Glibc
import TestSupport
import TokenVault

/// A host that forks, and what its child may do. Ends with 0, or says what went wrong and ends with
/// another status.
///
/// Arguments: the scenario, the vault's path, the key's file, and how it forks: `fork` or `silent`.
@main
struct ForkSubject {
    let path: String
    let keyFile: String
    let isSilent: Bool

    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count == 5 else { exit(64) }
        let subject = ForkSubject(path: words[2], keyFile: words[3], isSilent: words[4] == "silent")
        // A hang is a failure too.
        alarm(120)
        switch words[1] {
        case "create": try Vault.create(at: words[2], rootKey: .file(words[3]))
        case "verbs": try await subject.verbs()
        case "anew": try await subject.anew()
        case "orphaned": try subject.orphaned()
        case "aside": try await subject.aside()
        default: exit(64)
        }
    }

    func require(_ holds: Bool, _ what: @autoclosure () -> String) {
        if holds { return }
        let bytes = Array("\(what())\n".utf8)
        _ = unsafe write(2, bytes, bytes.count)
        _exit(1)
    }

    func open(_ path: String? = nil) throws -> Vault {
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        return try Vault.open(
            at: path ?? self.path, rootKey: .file(keyFile), settings: settings)
    }

    func openingFails() -> VaultError.Code? {
        do {
            _ = try open()
            return nil
        } catch {
            return (error as? VaultError)?.code
        }
    }

    /// Runs `body` in a child and returns its number; the child ends with it.
    func child(_ body: () throws -> Void) -> pid_t {
        let process = tv_fork(isSilent ? 1 : 0)
        require(process >= 0, "no child: \(errno)")
        guard process == 0 else { return process }
        alarm(60)
        do {
            try body()
        } catch {
            require(false, "the child: \(error)")
        }
        _exit(0)
    }

    func awaitChild(_ process: pid_t) {
        var status: Int32 = 0
        require(unsafe waitpid(process, &status, 0) == process, "no end of the child")
        require(status == 0, "the child ended with \(status)")
    }

    static func tokens(_ text: String) throws -> TokenSet {
        TokenSet(
            accessToken: try Secret(text: text),
            accessTokenExpiry: UnixTime(seconds: Int64(time(nil)) + 3600))
    }
}

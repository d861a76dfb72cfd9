// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What somebody writes around `create` and `open` without a look at the documentation. Each way
/// has a variable or a secret of its own beside its `catch ... where`, which is all that
/// Swift 6.3.1 needs to crash on where what is thrown has a type: see `VaultError`.
@main struct Newcomer {
    static func main() async throws {
        try create("vault")
        try create("vault")
        try switchOver("vault")
        try await retry("vault")
        print("ternary:", try ternary("vault", exists: true))
        print("guard:", guarded("nowhere"))
        try openElseCreate("other")
        try await wait("other")
        do {
            let first = try Service(path: "other")
            print("service:", first.starts)
            _ = try Service(path: "other")
        } catch Service.Failure.isRunning {
            print("service: is running")
        }
        try await inTask("vault")
        try passphrase("third")
        try await wholeLife("fourth")
        let shelf = Shelf()
        print("shelf:", try await shelf.take("vault"), try await shelf.take("fifth"))
        print("closure:", try inClosure("sixth"))
        let vault = try await Vault.openOrCreate(at: "sixth", rootKey: .file(key))
        let id = try ConnectionID("nobody")
        try await withCatchAll(vault, id)
        try await withoutType(vault, id)
        try await inTypedFunction(vault, id)
    }

    static let key = "root.key"

    static func create(_ path: String?) throws {
        var isNew = true
        do {
            try Vault.create(at: path ?? "vault", rootKey: .file(key))
        } catch let error as VaultError where error.code == .vaultExists {
            isNew = false
        }
        print("create:", isNew)
    }

    static func switchOver(_ path: String) throws {
        var settings = Vault.Settings()
        settings.tellsRefreshes = true
        do {
            _ = try Vault.open(at: path, rootKey: .file("no.key"), settings: settings)
        } catch let error as VaultError {
            switch error.code {
            case .rootKeyUnusable: print("switch: no key")
            case .wrongRootKey: print("switch: another key")
            default: throw error
            }
        }
    }

    static func retry(_ path: String) async throws {
        var former: Vault? = try Vault.open(at: path, rootKey: .file(key))
        var attempts = 0
        while true {
            do {
                let vault = try Vault.open(at: path, rootKey: .file(key))
                defer { vault.close() }
                print("retry: after", attempts)
                return
            } catch let error as VaultError where error.code == .vaultLocked && attempts < 3 {
                attempts += 1
                former?.close()
                former = nil
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    static func ternary(_ path: String, exists: Bool) throws -> Bool {
        var log: [String] = []
        do {
            let vault = exists ? try Vault.open(at: path, rootKey: .file(key)) : nil
            log.append("opened")
            vault?.close()
        } catch let error as VaultError where error.code == .vaultMissing {
            log.append("missing")
        }
        return log == ["opened"]
    }

    static func guarded(_ path: String) -> String {
        guard let vault = try? Vault.open(at: path, rootKey: .file(key)) else { return "none" }
        return "\(vault.memoryStatus.arena)"
    }

    static func openElseCreate(_ path: String) throws {
        var source = "opened"
        let vault: Vault
        do {
            vault = try Vault.open(at: path, rootKey: .file(key))
        } catch let error as VaultError where error.code == .vaultMissing {
            source = "created"
            try Vault.create(at: path, rootKey: .file(key))
            vault = try Vault.open(at: path, rootKey: .file(key))
        }
        print("open else create:", source)
        vault.close()
    }

    static func wait(_ path: String) async throws {
        let vault = try await Vault.openOrCreate(at: path, rootKey: .file(key))
        var waited = Duration.zero
        do {
            waited = .milliseconds(40)
            _ = try await Vault.open(at: path, rootKey: .file(key), waiting: waited)
        } catch let error where (error as? VaultError)?.code == .vaultLocked {
            print("wait: locked for", waited)
        }
        vault.close()
    }

    static func inTask(_ path: String) async throws {
        let task = Task {
            var count = 0
            do {
                let key = RootKeySource.file("root.key")
                let vault = try Vault.open(at: path, rootKey: key)
                count = try vault.status(ConnectionID("anna")) == nil ? 0 : 1
                vault.close()
            } catch let error as VaultError where error.code == .vaultLocked {
                count = -1
            } catch is CancellationError {
                count = -2
            }
            return count
        }
        print("task:", try await task.value)
    }

    static func passphrase(_ path: String) throws {
        do {
            let words = try Secret(contentsOfFile: key)
            try Vault.create(at: path, rootKey: .passphrase(words))
            print("passphrase: created")
            let wrong = try Secret("not these words")
            _ = try Vault.open(at: path, rootKey: .passphrase(wrong))
        } catch let error as VaultError where error.code == .wrongRootKey {
            print("passphrase: another")
        }
    }

    /// A token is lent in the same function.
    static func wholeLife(_ path: String) async throws {
        do {
            let vault = try await Vault.openOrCreate(at: path, rootKey: .file(key))
            defer { vault.close() }
            let id = try ConnectionID("anna")
            try await vault.put(id, TokenSet(accessToken: Secret("an access token")))
            let token = try await vault.accessToken(id)
            print("whole life:", token.secret.count, token.expiry?.milliseconds ?? 0)
            _ = try await vault.disconnect(id)
            _ = try await vault.accessToken(id)
        } catch let error as VaultError where error.code == .notFound {
            print("whole life: not found")
        }
    }

    static func inClosure(_ path: String) throws -> [Bool] {
        try [1, 2].map { _ in
            var isNew = true
            do {
                try Vault.create(at: path, rootKey: .file(key))
            } catch let error as VaultError where error.code == .vaultExists {
                isNew = false
            }
            return isNew
        }
    }
}

// The ways round that `VaultError` has for verbs whose errors have a type.
extension Newcomer {
    static func withCatchAll(_ vault: Vault, _ id: ConnectionID) async throws {
        do {
            let token = try await vault.accessToken(id)
            print("typed: expires", token.expiry?.milliseconds ?? 0)
        } catch let error where error.code == .notFound {
            print("typed: not found")
        } catch {
            throw error
        }
    }

    static func withoutType(_ vault: Vault, _ id: ConnectionID) async throws {
        do throws(any Error) {
            let token = try await vault.accessToken(id)
            print("typed: expires", token.expiry?.milliseconds ?? 0)
        } catch let error as VaultError where error.code == .notFound {
            print("typed: not found")
        }
    }

    static func inTypedFunction(_ vault: Vault, _ id: ConnectionID) async throws(VaultError) {
        do {
            let token = try await vault.accessToken(id)
            print("typed: expires", token.expiry?.milliseconds ?? 0)
        } catch let error where error.code == .notFound {
            print("typed: not found")
        }
    }
}

struct Service {
    enum Failure: Error { case isRunning }

    let vault: Vault
    private(set) var starts = 0

    init(path: String) throws {
        do {
            vault = try Vault.open(at: path, rootKey: .file(Newcomer.key))
            starts += 1
        } catch let error as VaultError where error.code == .vaultLocked {
            throw Failure.isRunning
        }
    }
}

actor Shelf {
    private var vaults: [String: Vault] = [:]

    func take(_ path: String) async throws -> Bool {
        var isNew = false
        do {
            vaults[path] = try Vault.open(at: path, rootKey: .file(Newcomer.key))
        } catch let error as VaultError where error.code == .vaultMissing {
            isNew = true
            vaults[path] = try await Vault.openOrCreate(at: path, rootKey: .file(Newcomer.key))
        }
        return isNew
    }
}

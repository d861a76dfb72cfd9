// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Code that somebody writes around the verbs without a look at the documentation: `catch ...
/// where` beside calls that rethrow (`??`, `map`), which Swift 6.3.1 crashes on with most errors.
@main struct Newcomer {
    static func main() async throws {
        let path = CommandLine.arguments.dropFirst().first
        let vault = try open(path)
        do {
            _ = try open(path)
        } catch let error as VaultError where error.code == .vaultLocked {
            print("in use")
        }
        let id = try ConnectionID("anna")
        do {
            let token = try await vault.accessToken(id)
            print("expires", token.expiry?.milliseconds ?? 0)
        } catch let error where error.code == .notFound {
            print("not connected")
        }
        do {
            try await vault.put(id, TokenSet(accessToken: Secret("an access token")))
            let lengths = try await vault.withAccessToken(id) { [$0.secret.count].map { $0 + 1 } }
            print(lengths.first ?? 0)
        } catch let error where error.code == .storeFull {
            print("no room", error)
        }
        try await disconnect(vault, id)
    }

    static func open(_ path: String?) throws -> Vault {
        do {
            try Vault.create(at: path ?? "newcomer", rootKey: .file("root.key"))
        } catch let error where error.code == .vaultExists {
            print("there already")
        }
        do {
            return try Vault.open(at: path ?? "newcomer", rootKey: .file("root.key"))
        } catch let error where error.code == .vaultMissing {
            print("gone:", path ?? "newcomer")
            throw error
        }
    }

    static func disconnect(_ vault: Vault, _ id: ConnectionID) async throws(VaultError) {
        do {
            let receipt = try await vault.disconnect(id)
            print("erased", Optional(receipt.erasedSlots) ?? 0)
        } catch let error where error.code == .notFound {
            print("nothing to do")
        }
    }
}

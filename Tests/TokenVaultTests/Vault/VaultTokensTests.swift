// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The vault as a key-value store of token sets.
@Suite struct VaultTokensTests {
    func tokens(_ access: String, refresh: String? = nil) throws -> TokenSet {
        var refreshToken: Secret?
        if let refresh { refreshToken = try Secret(text: refresh) }
        return TokenSet(accessToken: try Secret(text: access), refreshToken: refreshToken)
    }

    func accessToken(_ vault: Vault, _ id: ConnectionID) throws -> String? {
        switch try vault.get(id) {
        case .none: nil
        case .some(let stored): stored.tokens.accessToken.exposed
        }
    }

    @Test func putsGetsAndDeletes() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let id = try ConnectionID("customer 1/github")
        #expect(try accessToken(vault, id) == nil)
        let first = try await vault.put(id, tokens("at-1", refresh: "rt-1"))
        #expect(try accessToken(vault, id) == "at-1")
        let second = try await vault.put(id, tokens("at-2"))
        #expect(second > first)
        #expect(try accessToken(vault, id) == "at-2")
        #expect(try vault.list() == [id])
        #expect(try await vault.delete(id))
        #expect(try accessToken(vault, id) == nil)
        #expect(try await !vault.delete(id))
        #expect(try vault.list() == [])
    }

    @Test func takesNoTokensOfAnApplicationThatIsNotThere() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let id = try ConnectionID("a")
        let missing = try ApplicationID("nobody")
        #expect(
            await code { try await vault.put(id, tokens("1"), application: missing) }
                == .applicationNotFound)
        #expect(try accessToken(vault, id) == nil)
    }

    @Test func survivesReopening() async throws {
        let home = try TestVault()
        try home.create()
        let ids = try (0..<100).map { try ConnectionID("connection-\($0)") }
        do {
            let vault = try home.open()
            for (index, id) in ids.enumerated() {
                try await vault.put(id, tokens("token \(index)"))
            }
            vault.close()
        }
        let vault = try home.open()
        try await vault.ready()
        for (index, id) in ids.enumerated() {
            #expect(try accessToken(vault, id) == "token \(index)")
        }
        #expect(try vault.list().count == 100)
    }

    @Test func comparesBeforeItSwaps() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let id = try ConnectionID("a")
        let first = try await vault.compareAndSwap(id, expected: nil, tokens("1"))
        #expect(
            await code { try await vault.compareAndSwap(id, expected: nil, tokens("x")) }
                == .alreadyExists)
        let second = try await vault.compareAndSwap(id, expected: first, tokens("2"))
        #expect(
            await code { try await vault.compareAndSwap(id, expected: first, tokens("x")) }
                == .generationChanged)
        #expect(try accessToken(vault, id) == "2")
        try await vault.delete(id)
        #expect(
            await code { try await vault.compareAndSwap(id, expected: second, tokens("x")) }
                == .notFound)
        // A new life never repeats a generation of the old one.
        let third = try await vault.compareAndSwap(id, expected: nil, tokens("3"))
        #expect(third > second)
    }

    @Test func oneOfManySwapsWins() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let id = try ConnectionID("contended")
        let generation = try await vault.put(id, tokens("0"))
        let wins = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let error = await code {
                        try await vault.compareAndSwap(
                            id, expected: generation, self.tokens("winner \(index)"))
                    }
                    return error == nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
    }

    @Test func keepsManyWritersApart() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<500 {
                group.addTask {
                    let id = try ConnectionID("c\(index)")
                    try await vault.put(id, self.tokens("value \(index)", refresh: "r\(index)"))
                }
            }
            try await group.waitForAll()
        }
        for index in 0..<500 {
            #expect(try accessToken(vault, ConnectionID("c\(index)")) == "value \(index)")
        }
        vault.close()
        let again = try home.open()
        try await again.ready()
        #expect(try again.list().count == 500)
        #expect(try again.audit() == 500)
    }

    @Test func refusesWhatBreaksALimit() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let id = try ConnectionID("limits")
        let long = String(repeating: "x", count: TokenSet.tokenBytesMax + 1)
        #expect(await code { try await vault.put(id, tokens(long)) } == .limitExceeded)
        let most = String(repeating: "y", count: TokenSet.tokenBytesMax)
        try await vault.put(id, tokens(most, refresh: most))
        #expect(try accessToken(vault, id) == most)
        #expect(throws: VaultError.self) { try ConnectionID("") }
        #expect(throws: VaultError.self) { try ConnectionID("a\0b") }
        #expect(throws: VaultError.self) { try ConnectionID(String(repeating: "a", count: 256)) }
    }

    @Test func leavesNoSecretOpen() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.put(ConnectionID("x"), tokens("secret"))
        _ = try accessToken(vault, ConnectionID("x"))
        vault.close()
        #expect(SecretArena.shared.freeBlocksAreZero())
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import TokenVault

extension ForkSubject {
    /// Each verb of an inherited vault throws `forked`, and the parent's goes on as before.
    func verbs() async throws {
        let vault = try open()
        let id = try ConnectionID("a")
        try await vault.put(id, Self.tokens("one"))
        try await vault.ready()
        awaitChild(child { try refuseAll(vault, id) })
        try await vault.withAccessToken(id) { require($0.exposed == "one", "the parent's token") }
        try await vault.put(id, Self.tokens("two"))
        require(try vault.audit() == 1, "the parent's audit")
        // The child's end did not let go of the parent's lock.
        require(openingFails() == .vaultLocked, "the parent's lock")
        vault.close()
        require(openingFails() == nil, "opened again")
    }

    private func refuseAll(_ vault: Vault, _ id: ConnectionID) throws {
        for (name, code) in try synchronous(vault, id) {
            require(code == .forked, "\(name): \(code.map { "\($0)" } ?? "no error")")
        }
        let executor = ChildExecutor()
        for (name, verb) in try asynchronous(vault, id) {
            let code = executor.code { try await verb() }
            require(code == .forked, "\(name): \(code.map { "\($0)" } ?? "no error")")
        }
        vault.close()
        require(vault.memoryStatus.arena != .unavailable, "the child's arena")
    }

    private func synchronous(
        _ vault: Vault, _ id: ConnectionID
    ) throws -> [(String, VaultError.Code?)] {
        func code(_ body: () throws -> Void) -> VaultError.Code? {
            do {
                try body()
                return nil
            } catch {
                return (error as? VaultError)?.code
            }
        }
        return [
            ("get", code { _ = try vault.get(id) }), ("list", code { _ = try vault.list() }),
            ("status", code { _ = try vault.status(id) }),
            ("audit", code { _ = try vault.audit() }),
            ("applications", code { _ = try vault.applications() }),
        ]
    }

    private func asynchronous(
        _ vault: Vault, _ id: ConnectionID
    ) throws -> [(String, @Sendable () async throws -> Void)] {
        let application = try ApplicationID("app")
        return [
            ("withAccessToken", { try await vault.withAccessToken(id) { _ in } }),
            ("log", { _ = try await vault.log(id) }),
            (
                "log of an application",
                { _ = try await vault.log(application: ApplicationID("app")) }
            ),
            ("put", { try await vault.put(id, Self.tokens("child")) }),
            (
                "compareAndSwap",
                { try await vault.compareAndSwap(id, expected: nil, Self.tokens("child")) }
            ),
            ("delete", { try await vault.delete(id) }),
            ("disconnect", { try await vault.disconnect(id) }),
            ("refresh", { try await vault.refresh(id) }),
            ("reportUse", { try await vault.reportUse(id) }),
            ("reportRejected", { try await vault.reportRejected(id) }),
            ("reportFailed", { try await vault.reportFailed(id, number: 1) }),
            ("connect", { _ = try await vault.connect(id, application: application) }),
            (
                "complete",
                { try await vault.complete(callbackQuery: Secret(text: "state=s&code=c")) }
            ),
            ("removeApplication", { try await vault.removeApplication(application) }),
            (
                "put an application",
                {
                    try await vault.put(
                        Application(
                            id: application,
                            provider: Provider(
                                name: "p", authorizationEndpoint: "https://p.example/a",
                                tokenEndpoint: "https://p.example/t"),
                            clientID: "c", redirectURI: "https://h.example/"))
                }
            ),
            ("readable", { try await vault.readable() }),
            ("retry", { try await vault.retry(id) }),
            ("retry all", { _ = try await vault.retry(application: application) }),
            ("run", { try await vault.run() }), ("ready", { try await vault.ready() }),
            (
                "events",
                {
                    for await _ in vault.events() {}
                    throw VaultError(.forked, .vault)
                }
            ),
        ]
    }

    /// The child may have the vault once its parent has closed it.
    func anew() async throws {
        var (down, up) = ([Int32](repeating: -1, count: 2), [Int32](repeating: -1, count: 2))
        require(unsafe pipe(&down) == 0 && pipe(&up) == 0, "no pipes")
        let (fromParent, toChild) = (down[0], down[1])
        let (fromChild, toParent) = (up[0], up[1])
        let vault = try open()
        try await vault.put(ConnectionID("a"), Self.tokens("one"))
        try await vault.ready()
        let child = child {
            require(openingFails() == .vaultLocked, "the parent's vault in the child")
            send(toParent)
            receive(fromParent)
            let own = try open()
            try use(own)
            own.close()
        }
        receive(fromChild)
        vault.close()
        send(toChild)
        awaitChild(child)
        let again = try open()
        require(try again.list() == [ConnectionID("b")], "what the child left")
        again.close()
    }

    /// All of the child's own: its arena, its threads, its lock.
    private func use(_ vault: Vault) throws {
        let executor = ChildExecutor()
        let code = executor.code {
            try await vault.ready()
            try await vault.withAccessToken(ConnectionID("a")) {
                require($0.exposed == "one", "the token in the child")
            }
            try await vault.put(ConnectionID("b"), Self.tokens("two"))
            _ = try await vault.delete(ConnectionID("a"))
        }
        require(code == nil, "the child's vault: \(code.map { "\($0)" } ?? "")")
        require(SecretArena.shared.freeBlocksAreZero(), "the child's arena")
    }

    /// The parent dies, and the child that it made does not hold its lock.
    func orphaned() throws {
        var ends = [Int32](repeating: -1, count: 2)
        require(unsafe pipe(&ends) == 0, "no pipe")
        let (reading, writing) = (ends[0], ends[1])
        let parent = child {
            let vault = try open()
            let executor = ChildExecutor()
            let code = executor.code {
                try await vault.ready()
                try await vault.put(ConnectionID("a"), Self.tokens("one"))
            }
            require(code == nil, "the parent's vault")
            let me = getpid()
            _ = child {
                while getppid() == me { usleep(1000) }
                let own = try open()
                try use(own)
                own.close()
                send(writing)
            }
            kill(me, SIGKILL)
        }
        require(waitpid(parent, nil, 0) == parent, "no end of the parent")
        Glibc.close(writing)
        receive(reading)
    }

    /// The child opens another vault while its parent goes on with its own; what it drops of its
    /// parent's secrets is nothing to its own.
    func aside() async throws {
        let vault = try open()
        let id = try ConnectionID("a")
        try await vault.put(id, Self.tokens("one"))
        try await vault.ready()
        let path = "\(path)-child"
        try Vault.create(at: path, rootKey: .file(keyFile))
        var inherited: [Held] = []
        for _ in 0..<1000 { inherited.append(Held(try Secret(random: 100))) }
        let places = Set(inherited.map(\.place))
        let child = child {
            _ = SecretArena.shared
            for place in places { require(isFenced(place), "the parent's places are used again") }
            var own: [Held] = []
            for _ in 0..<500 { own.append(Held(try Secret(random: 100))) }
            inherited.removeAll()
            for _ in 0..<500 { own.append(Held(try Secret(random: 100))) }
            require(places.isDisjoint(with: own.map(\.place)), "places of the parent's secrets")
            require(Set(own.map(\.place)).count == own.count, "a block was given twice")
            require(SecretArena.shared.openSecretCount == own.count, "the child's secrets")
            own.removeAll()
            require(SecretArena.shared.openSecretCount == 0, "secrets of nobody")
            let other = try open(path)
            let executor = ChildExecutor()
            let code = executor.code {
                try await other.put(ConnectionID("a"), Self.tokens("one"))
            }
            require(code == nil, "the child's other vault")
            try use(other)
            awaitChild(self.child { require(refused(other), "the child's vault in its child") })
            other.close()
        }
        for _ in 0..<50 {
            try await vault.put(id, Self.tokens("one"))
            try await vault.withAccessToken(id) { require($0.exposed == "one", "the parent's") }
        }
        awaitChild(child)
        require(inherited.count == 1000 && SecretArena.shared.freeBlocksAreZero(), "the parent's")
        vault.close()
    }

    /// Whether nothing else can be mapped where a secret of the parent's was.
    private func isFenced(_ place: UInt) -> Bool {
        let (page, noReplace) = (place & ~4095, Int32(0x100000))
        let mapped = unsafe mmap(
            UnsafeMutableRawPointer(bitPattern: page), 4096, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | noReplace, -1, 0)
        return unsafe mapped == MAP_FAILED && errno == EEXIST
    }

    private func refused(_ vault: Vault) -> Bool {
        do {
            _ = try vault.list()
            return false
        } catch {
            return error.code == .forked && (try? Secret(random: 8))?.count == 8
        }
    }

    private func send(_ descriptor: Int32) {
        require(unsafe write(descriptor, "x", 1) == 1, "cannot write")
    }

    private func receive(_ descriptor: Int32) {
        var byte: UInt8 = 0
        require(unsafe read(descriptor, &byte, 1) == 1, "the other side is gone")
    }
}

/// A secret among others.
final class Held: Sendable {
    let secret: Secret
    init(_ secret: consuming Secret) { self.secret = secret }
    var place: UInt { unsafe secret.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
}

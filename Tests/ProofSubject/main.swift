// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TokenVault

// A host of the library, for proofs about its memory: does what the lines on its input say and
// answers in lines. It keeps no secret itself; what the library leaves behind is what is there.
//
//   proof-subject VAULT KEY-FILE BASE-URL CLIENT-ID SECRET-FILE REDIRECT-URI [OPTION ...]
//
//   --ca FILE    certificates to trust
//   --post       the client secret goes in the body instead of in a header
//   --signs      SECRET-FILE holds a private key, and the client signs (private_key_jwt)
//   --mmap       the arena is memory that a scanner can read
//   --leaky      plain allocators, no scrubbing: a proof must fail on this one

let options = Options(CommandLine.arguments)
if options.isLeaky { MemoryHygiene.forbidWiping() }
MemoryHygiene.install()
if options.isReadable { SecretArena.forbidSecretMemory() }
do {
    try await Subject(options).run()
} catch {
    say("failed \(error)")
    exit(1)
}

struct Options {
    var words: [String] = []
    var certificateFile: String?
    var usesPost = false
    var signs = false
    var isReadable = false
    var isLeaky = false

    init(_ arguments: [String]) {
        var rest = arguments.dropFirst()
        while let word = rest.popFirst() {
            switch word {
            case "--ca": certificateFile = rest.popFirst()
            case "--post": usesPost = true
            case "--signs": signs = true
            case "--mmap": isReadable = true
            case "--leaky": isLeaky = true
            default: words.append(word)
            }
        }
        guard words.count == 6 else {
            say("failed arguments")
            exit(2)
        }
    }
}

/// Writes a line past any buffer.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe write(STDOUT_FILENO, bytes, bytes.count)
}

/// The vault and what it is told to do. Verbs run in parallel until `settle` waits for them.
final class Subject: Sendable {
    private let vault: Vault
    private let options: Options
    private let application: ApplicationID

    init(_ options: Options) throws {
        var settings = Vault.Settings()
        settings.allowsLoopbackHTTP = true
        settings.certificateFile = options.certificateFile
        try Vault.create(at: options.words[0], rootKey: .file(options.words[1]))
        vault = try Vault.open(
            at: options.words[0], rootKey: .file(options.words[1]), settings: settings)
        application = try ApplicationID("practice")
        self.options = options
    }

    func run() async throws {
        try await vault.ready()
        try await register()
        say("ready")
        while try await settle() { say("settled") }
        vault.close()
    }

    private func register() async throws {
        let base = options.words[2]
        var provider = Provider(
            name: "practice", authorizationEndpoint: "\(base)/authorize",
            tokenEndpoint: "\(base)/token", revocationEndpoint: "\(base)/revoke")
        provider.clientAuthentication = options.usesPost ? .post : .basic
        if options.signs { provider.clientAuthentication = .privateKeyJWT }
        provider.concurrentRefreshesMax = 64
        provider.refreshesPerSecondMax = 100_000
        let file = unsafe open(options.words[4], O_RDONLY | O_CLOEXEC)
        var status = stat()
        unsafe fstat(file, &status)
        let secret = try Input.read(file, count: Int(status.st_size))
        close(file)
        var registered = Application(
            id: application, provider: provider, clientID: options.words[3],
            redirectURI: options.words[5], scopes: ["read"])
        if options.signs {
            registered.signingKey = try SigningKey(privateKey: secret)
        } else {
            registered.clientSecret = consume secret
        }
        try await vault.put(registered)
    }

    /// Carries out verbs until a `settle`; false at the input's end.
    private func settle() async throws -> Bool {
        try await withThrowingTaskGroup(of: Void.self) { group in
            while let line = Input.line() {
                let words = line.split(separator: " ").map(String.init)
                switch words.first {
                case "settle":
                    try await group.waitForAll()
                    return true
                case "complete":
                    let query = Query(try Input.read(STDIN_FILENO, count: Int(words[1]) ?? 0))
                    group.addTask { [self] in try await complete(query) }
                case "lend":
                    // Reads the input itself.
                    try await lend(words[1])
                default:
                    group.addTask { [self] in try await obey(words) }
                }
            }
            return false
        }
    }

    private func complete(_ query: Query) async throws {
        guard let query = query.take() else { return }
        _ = try await vault.complete(callbackQuery: query, application: application)
    }

    /// Holds a token until the input has a line more.
    private func lend(_ id: String) async throws {
        try await vault.withAccessToken(ConnectionID(id)) { _ in
            say("lent")
            _ = Input.line()
        }
    }

    private func obey(_ words: [String]) async throws {
        switch words.first {
        case "connect":
            let request = try await vault.connect(
                ConnectionID(words[1]), application: application)
            say("url \(request.url)")
        case "refresh":
            try await vault.refresh(ConnectionID(words[1]), awaitsLateAnswer: true)
        case "run":
            // Ends when the vault is closed.
            Task { [self] in try await vault.run() }
        case "disconnect":
            let receipt = try await vault.disconnect(ConnectionID(words[1]))
            say("receipt \(receipt.refreshToken) \(receipt.accessToken) \(receipt.erasedSlots)")
        case "use":
            try await vault.withAccessToken(ConnectionID(words[1])) { token in
                precondition(token.secret.count > 0)
            }
        case "state":
            let status = vault.memoryStatus
            say(
                "state arena=\(status.arena) open=\(SecretArena.shared.openSecretCount) "
                    + "zero=\(SecretArena.shared.freeBlocksAreZero()) "
                    + "curl=\(status.curlHeapWiped) tls=\(status.tlsHeapWiped)")
        default: throw VaultError(.invalidArgument, .vault)
        }
    }
}

/// A callback's query on its way into a task, which cannot take a `Secret` along by itself.
final class Query: Sendable {
    private let secret: Mutex<Secret?>

    init(_ secret: consuming Secret) { self.secret = Mutex(consume secret) }

    func take() -> Secret? { secret.withLock { $0.take() } }
}

enum Input {
    /// The next line, byte by byte, so that what follows it is still there for `read`.
    static func line() -> String? {
        var text: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            guard unsafe Glibc.read(STDIN_FILENO, &byte, 1) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
    }

    /// So many bytes, straight into a secret.
    static func read(_ descriptor: Int32, count: Int) throws -> Secret {
        var secret = try Secret(zeroes: count)
        var span = secret.mutableBytes
        let done = unsafe span.withUnsafeMutableBytes { buffer in
            var done = 0
            while done < count, let base = buffer.baseAddress {
                let got = unsafe Glibc.read(descriptor, base + done, count - done)
                if got <= 0 { break }
                done += got
            }
            return done
        }
        guard done == count else { throw VaultError(.invalidArgument, .vault) }
        return secret
    }
}

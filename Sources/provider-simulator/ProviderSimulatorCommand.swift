// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import Glibc
import ProviderSimulator

/// `provider-simulator`: the practice authorization server as a process of its own.
@main
struct ProviderSimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider-simulator",
        abstract: "A practice OAuth 2.0 authorization server, for development only.",
        discussion: """
            Serves plain HTTP on loopback and keeps everything in memory. No password is asked \
            for, and no account in it is real. Prints one line, "listening on URL", once it \
            accepts connections, and ends on SIGTERM or SIGINT.

            Secrets are read from files, because arguments are visible to every user of the \
            machine. With a control key, /control/counters, /control/grants, /control/tokens, \
            /control/journal, /control/fault and /control/settings answer requests that carry it \
            in X-Control-Key.

            With --as it plays real providers as published facts describe them, each under its \
            own host names, told apart by the Host header. One that is played alone answers under \
            every name, so that 127.0.0.1 will do. With --certificate-file and --key-file it \
            speaks TLS. A client is led to it by, for example, \
            curl --connect-to slack.com:443:127.0.0.1:PORT. --as list names the providers, and \
            says of each what is not certain, what it has not, what is assumed and what is left \
            out.
            """)

    @Option(help: "Address to listen on: 127.0.0.1 or ::1, nothing else.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 lets the system choose.")
    var port = 0

    @Option(help: "File that receives the port, once connections are accepted.")
    var portFile: String?

    @Option(help: "File with the control key. Without it there are no control paths.")
    var controlKeyFile: String?

    @Option(help: "Client id of the registered application.")
    var clientId = "demo"

    @Option(help: "File with the client secret. Without it the client is a public one.")
    var clientSecretFile: String?

    @Option(
        help: """
            File with a public key of the client as a JSON Web Key; the client then signs what it \
            says of itself (private_key_jwt). May be repeated.
            """)
    var clientKeyFile: [String] = []

    @Option(
        help: """
            A user who has allowed the client to ask for tokens by what it signs (JWT bearer). May \
            be repeated.
            """)
    var subject: [String] = []

    @Option(help: "Redirect URI of the application, compared exactly. May be repeated.")
    var redirectUri: [String] = []

    @Option(
        name: .customLong("as"),
        help: "Provider that is played: a name, all, or list to see the names. May be repeated.")
    var providers: [String] = []

    @Option(help: "File with a certificate in PEM; with it the server speaks TLS.")
    var certificateFile: String?

    @Option(help: "File with the certificate's private key in PEM.")
    var keyFile: String?

    @Option(help: "Scope that may be asked for; any, if none is named. May be repeated.")
    var scope: [String] = []

    @Option(help: "Scope the client may have by itself (client credentials). May be repeated.")
    var ownScope: [String] = []

    @Option(help: "Lifetime of access tokens in seconds.")
    var accessLifetime = 3600

    @Option(help: "Lifetime of refresh tokens in seconds; unlimited if absent.")
    var refreshLifetime: Int?

    @Option(help: "What a refresh does to the refresh token: none, strict or grace=SECONDS.")
    var rotation = "none"

    @Option(help: "How replies tell the expiry: seconds, secondsAsText, unixTime or absent.")
    var expiryStyle = "seconds"

    @Option(help: "First part of every token.")
    var tokenMarker = "sim"

    @Option(help: "Random bytes in a token, 16 to 4096.")
    var tokenBytes = 32

    @Flag(help: "Accept authorization requests without PKCE.")
    var pkceOptional = false

    @Flag(help: "Let the revocation of an access token end its whole grant.")
    var revocationCascades = false

    @Flag(help: "Keep a journal of refresh requests.")
    var journal = false

    func run() async throws {
        if providers.contains("list") {
            for provider in ProviderSimulator.Provider.all + ProviderSimulator.Provider.variants {
                Self.tell(provider)
            }
            return
        }
        let settings = try settings()
        let simulator: ProviderSimulator
        do {
            simulator = try await ProviderSimulator.start(settings, stopsOnSignals: true)
        } catch let error as ProviderSimulator.SettingsError {
            throw ValidationError(error.description)
        }
        if let portFile {
            // Written beside and renamed, so that whoever waits for it never reads half a number.
            let port = simulator.baseURL.split(separator: ":").last.map(String.init) ?? ""
            try Data("\(port)\n".utf8).write(to: URL(filePath: portFile), options: .atomic)
        }
        Self.write("practice server: a development aid, no account in it is real", to: 2)
        for provider in settings.providers { Self.describe(provider) }
        Self.write("listening on \(simulator.baseURL)", to: 1)
        await simulator.finished()
    }

    private func settings() throws -> ProviderSimulator.Settings {
        let client = ProviderSimulator.Client(
            id: clientId, secret: try clientSecretFile.map(Self.secret),
            redirectURIs: redirectUri, ownScopes: ownScope.isEmpty ? nil : Set(ownScope),
            publicKeys: try clientKeyFile.map {
                try ProviderSimulator.PublicKey(jwk: Self.secret(in: $0))
            }, subjects: subject.isEmpty ? nil : Set(subject))
        guard let style = ProviderSimulator.ExpiryStyle(rawValue: expiryStyle) else {
            throw ValidationError("--expiry-style is seconds, secondsAsText, unixTime or absent")
        }
        var settings = ProviderSimulator.Settings(clients: [client])
        settings.host = host
        settings.port = port
        settings.controlKey = try controlKeyFile.map(Self.secret)
        settings.scopes = Set(scope)
        settings.providers = try playedProviders()
        settings.certificate = try certificate()
        settings.accessLifetime = .seconds(accessLifetime)
        settings.refreshLifetime = refreshLifetime.map { .seconds($0) }
        do {
            settings.rotation = try ProviderSimulator.Rotation(words: rotation)
        } catch {
            throw ValidationError(error.description)
        }
        settings.expiryStyle = style
        settings.tokenMarker = tokenMarker
        settings.tokenBytes = tokenBytes
        settings.requiresPKCE = !pkceOptional
        settings.revocationCascades = revocationCascades
        settings.keepsJournal = journal
        return settings
    }

    private func playedProviders() throws -> [ProviderSimulator.Provider] {
        if providers.contains("all") { return ProviderSimulator.Provider.all }
        return try providers.map { name in
            guard let provider = ProviderSimulator.Provider.named(name) else {
                throw ValidationError("no provider \(name): --as list names them")
            }
            return provider
        }
    }

    private func certificate() throws -> ProviderSimulator.Certificate? {
        switch (certificateFile, keyFile) {
        case (nil, nil): return nil
        case (let chain?, let key?): return .init(chainFile: chain, keyFile: key)
        default: throw ValidationError("--certificate-file and --key-file go together")
        }
    }

    /// Tells on the error output where a provider that is played is to be found: only the line
    /// that says that the server listens goes to the other.
    private static func describe(_ provider: ProviderSimulator.Provider) {
        let addresses: [(String, String?)] = [
            ("authorize", provider.authorizeURL), ("token", provider.tokenURL),
            ("revoke", provider.revocationURL), ("look-up", provider.lookUpURL),
        ]
        let hosts = provider.hostNames.joined(separator: " ")
        write("plays \(provider.name) at \(hosts)", to: 2)
        for (word, address) in addresses {
            if let address { write("  \(word): \(address)", to: 2) }
        }
    }

    /// Tells what a provider that is played rests on.
    private static func tell(_ provider: ProviderSimulator.Provider) {
        let subjects = ProviderSimulator.Provider.Subject.allCases
        let doubts = subjects.compactMap { subject -> String? in
            let confidence = provider.confidence(of: subject)
            guard confidence < .high, provider.reasonForAbsence(of: subject) == nil else {
                return nil
            }
            return "\(subject) (\(confidence))"
        }
        let absent = subjects.compactMap { subject in
            provider.reasonForAbsence(of: subject).map { "\(subject) (\($0))" }
        }
        write(provider.name, to: 1)
        let parts = [
            ("not certain", doubts), ("has no", absent), ("assumed", provider.assumptions),
            ("left out", provider.leftOut),
        ]
        for (word, parts) in parts where !parts.isEmpty {
            write("  \(word): \(parts.joined(separator: "; "))", to: 1)
        }
    }

    /// Writes a line past any buffer: whoever started the server is waiting for it.
    private static func write(_ line: String, to descriptor: Int32) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe Glibc.write(descriptor, bytes, bytes.count)
    }

    /// The content of a secret's file without the line end that editors leave.
    private static func secret(in path: String) throws -> String {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw ValidationError("cannot read \(path)")
        }
        let text = String(decoding: data, as: UTF8.self)
        let secret = String(text.prefix { !$0.isNewline })
        guard !secret.isEmpty else { throw ValidationError("\(path) is empty") }
        return secret
    }
}

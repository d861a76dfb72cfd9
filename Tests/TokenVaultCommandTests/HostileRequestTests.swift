// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

@testable import TokenVaultCommand

/// Requests that no command sends: each is refused, and the process that serves goes on.
struct HostileRequestTests {
    private static let patience: Int64 = 60_000

    private func form(_ bench: Workbench) -> ApplicationForm {
        let base = bench.simulator.baseURL
        var provider = Provider(
            name: "practice", authorizationEndpoint: "\(base)/authorize",
            tokenEndpoint: "\(base)/token")
        provider.deviceAuthorizationEndpoint = "\(base)/device_authorization"
        return ApplicationForm(
            id: "demo", provider: provider, clientID: "demo", hasClientSecret: true,
            redirectURI: bench.redirectURI, scopes: [], userScopes: [], values: [:])
    }

    /// What the answer begins with.
    private func answer(
        _ folder: VaultFolder, _ request: Request, secretBytes: Int? = nil
    ) throws -> Wire.Kind {
        let wire = try folder.wire()
        try wire.send(request)
        if let secretBytes {
            let secret = try Secret(text: String(repeating: "a", count: secretBytes))
            try wire.send(secret)
        }
        try wire.sendEnd()
        return try wire.receiveHead(by: Deadline.after(milliseconds: Self.patience)).kind
    }

    @Test func aKeyThatIsNotThereIsRefused() async throws {
        try await Workbench.run { bench in
            try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
            try await bench.controlling { folder, _, server in
                for secretBytes in [nil, 0, 1, 40] {
                    for byteCount in [Int.min, -1, 0, 1, 40, 41, Int.max] {
                        var form = form(bench)
                        form.provider = ProviderForm(form.provider.provider.signing())
                        form.signingKey = SigningKeyForm(
                            algorithm: nil, keyID: nil, byteCount: byteCount)
                        let kind = try answer(
                            folder, .putApplication(form), secretBytes: secretBytes)
                        #expect(kind == .failure, "\(byteCount) of \(secretBytes ?? -1)")
                    }
                }
                #expect(try answer(folder, .applications) == .end)
                #expect(await server.finish(by: Deadline.after(milliseconds: Self.patience)))
            }
        }
    }

    @Test func aMomentThatNeverComesIsRefused() async throws {
        try await Workbench.run { bench in
            try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
            try await bench.controlling { folder, _, server in
                var form = form(bench)
                let record = DiscoveryRecord(
                    fetched: UnixTime(milliseconds: 0), documents: ["https://a.example"],
                    settings: [])
                form.discovery = DiscoveryRecordForm(record)
                let frame = try Wire.frame(Request.putApplication(form), as: .message)
                let body = String(decoding: frame.dropFirst(Wire.headBytes), as: UTF8.self)
                let moment = UnixTime(milliseconds: 0).text
                #expect(body.contains(moment))
                let hostile = body.replacing(moment, with: "1-1-999999999999-0-0-0-0")
                let bytes = Wire.head(.message, count: hostile.utf8.count) + Array(hostile.utf8)
                let wire = try folder.wire()
                _ = try unsafe bytes.withUnsafeBytes { try unsafe wire.sendAtOnce($0) }
                let deadline = Deadline.after(milliseconds: Self.patience)
                #expect(try wire.receiveHead(by: deadline).kind == .failure)
                #expect(await server.finish(by: Deadline.after(milliseconds: Self.patience)))
            }
        }
    }

    @Test func whatIsEmptyOrOutOfRangeIsRefused() async throws {
        try await Workbench.run { bench in
            try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
            try await bench.controlling { folder, _, server in
                #expect(try answer(folder, .putApplication(form(bench)), secretBytes: 8) == .end)
                var own = OwnForm()
                own.clientID = "own"
                let grant = GrantType.clientCredentials.rawValue
                let refused: [(Request, Int?)] = [
                    (.putApplication(form(bench)), 0),
                    (.connect(id: "a", application: "demo", scopes: nil, own: own), 0),
                    (.connectDevice(id: "a", application: "demo", scopes: nil, own: own), 0),
                    (
                        .connectByItself(
                            id: "a", application: "demo", grant: grant, scopes: nil, own: own), 0
                    ),
                    (.connectByItself(id: "", application: "", grant: "", scopes: [], own: nil), 0),
                    (.complete(id: "a", application: "demo"), 0), (.discover(issuer: ""), 0),
                    (.discover(issuer: "https://"), nil), (.applicationKey(id: ""), 0),
                    (.refreshIssuer(id: "", acceptsChange: true), nil),
                    (.refreshIssuer(id: "demo", acceptsChange: true), 0), (.device(id: ""), nil),
                    (.cancelDevice(id: ""), 0), (.importLines(replaces: true, skips: []), nil),
                ]
                for (request, secretBytes) in refused {
                    let kind = try answer(folder, request, secretBytes: secretBytes)
                    #expect(kind == .failure, "\(request)")
                }
                for (skips, count) in [([Int.min, Int.max], 0), ([-1, 0, 1], 60), ([], 60)] {
                    let request = Request.importLines(replaces: true, skips: skips)
                    #expect(try answer(folder, request, secretBytes: count) == .message)
                }
                for limit in [Int.min, -1, 0, Int.max] {
                    #expect(try answer(folder, .log(id: "a", limit: limit)) != .secret)
                }
                #expect(try answer(folder, .applications) == .message)
                #expect(await server.finish(by: Deadline.after(milliseconds: Self.patience)))
            }
        }
    }
}

extension Provider {
    fileprivate func signing() -> Provider {
        var provider = self
        provider.clientAuthentication = .privateKeyJWT
        return provider
    }
}

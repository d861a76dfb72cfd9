// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// The endpoint over a transport that keeps what it is given and answers when the test says so.
@Suite struct TokenEndpointTests {
    @Test func sendsARefreshAndJudgesItsAnswerOnce() throws {
        let transport = HeldTransport()
        let verdicts = Monitor<[String]>([])
        let endpoint = TokenEndpoint(transport: transport, deadlineMilliseconds: 1234)
        let request = try refresh(endpoint, try application()) { verdict in
            let word =
                switch consume verdict {
                case .tokens: "tokens"
                case .transient(let delay, _): delay.wasSent ? "sent" : "unsent"
                default: "other"
                }
            verdicts.withLock { $0.append(word) }
        }
        #expect(transport.requests.withLock { $0.isEmpty })
        endpoint.send(request)
        #expect(transport.requests.withLock { $0.count } == 1)
        #expect(transport.requests.withLock { $0.first === request })
        #expect(request.url == "https://example.com/token")
        #expect(request.deadlineMilliseconds == 1234)
        let body =
            switch request.body {
            case .some(let sent): sent.bytes.publicText
            case .none: String?.none
            }
        #expect(body == "grant_type=refresh_token&refresh_token=r")
        #expect(request.credentials.map(isBasic) == true)
        #expect(verdicts.withLock { $0 } == [])
        request.answer(TransportReply(status: 200, body: try #"{"access_token":"a"}"#.secret()))
        request.answer(TransportReply(failure: .deadlineExceeded))
        #expect(verdicts.withLock { $0 } == ["tokens"])
    }

    @Test func aCancelledExchangeWasNotSent() throws {
        let transport = HeldTransport()
        let wasUnsent = Monitor(false)
        let endpoint = TokenEndpoint(transport: transport)
        let request = try endpoint.exchange(
            code: try "c".secret(), codeVerifier: nil, for: try application()
        ) { verdict in
            if case .unsent = consume verdict { wasUnsent.withLock { $0 = true } }
        }
        endpoint.send(request)
        #expect(request.cancelIfUnsent())
        #expect(wasUnsent.withLock { $0 })
    }

    @Test func revokesWhereThereIsAnEndpoint() throws {
        let transport = HeldTransport()
        let verdicts = Monitor<[RevocationVerdict]>([])
        let endpoint = TokenEndpoint(transport: transport)
        var application = try application()
        let token = try "r".secret()
        let nothing = try endpoint.revoke(
            token.bytes, .refreshToken, for: application
        ) { verdict in verdicts.withLock { $0.append(verdict) } }
        #expect(nothing == nil)
        #expect(transport.requests.withLock { $0.isEmpty })
        application.provider.revocationEndpoint = "https://example.com/revoke"
        let request = try endpoint.revoke(
            token.bytes, .refreshToken, for: application
        ) { verdict in verdicts.withLock { $0.append(verdict) } }
        #expect(request?.url == "https://example.com/revoke")
        request?.answer(TransportReply(status: 200, body: nil))
        #expect(verdicts.withLock { $0 } == [.unsupported, .revoked])
    }

    @Test func sendsNothingWhereItThrows() throws {
        let transport = HeldTransport()
        var application = try application()
        application.provider.tokenEndpoint = ""
        var thrown: VaultError?
        do throws(VaultError) {
            _ = try refresh(TokenEndpoint(transport: transport), application) { _ in
                Issue.record("nothing was sent")
            }
        } catch { thrown = error }
        #expect(thrown == VaultError(.invalidArgument, .exchange))
        #expect(transport.requests.withLock { $0.isEmpty })
    }

    /// One set of credentials serves many requests, and is wiped with the last of them.
    @Test func requestsShareTheirCredentials() throws {
        let transport = HeldTransport()
        let endpoint = TokenEndpoint(transport: transport)
        let application = try application()
        weak var kept: ClientCredentials?
        var requests: [TransportRequest] = []
        do {
            let credentials = try ClientCredentials(application)
            kept = credentials
            for token in ["r1", "r2"] {
                requests.append(
                    try token.lend { (span) throws(VaultError) in
                        try endpoint.refresh(span, for: application, by: credentials) { _ in }
                    })
            }
        }
        transport.requests.withLock { $0 = [] }
        #expect(requests.allSatisfy { $0.credentials === kept } && kept != nil)
        requests[0].answer(TransportReply(failure: .deadlineExceeded))
        #expect(requests[0].credentials == nil && kept != nil)
        #expect(requests[1].cancelIfUnsent())
        #expect(kept == nil)
    }

    private func isBasic(_ credentials: ClientCredentials) -> Bool {
        hasText(credentials.headerLine)
    }

    private func hasText(_ line: borrowing Secret?) -> Bool {
        switch line {
        case .some: true
        case .none: false
        }
    }

    private func refresh(
        _ endpoint: TokenEndpoint, _ application: borrowing Application,
        _ completion: @escaping TokenEndpoint.Completion
    ) throws(VaultError) -> TransportRequest {
        let token = try "r".secret()
        return try endpoint.refresh(
            token.bytes, for: application, by: ClientCredentials(application),
            completion: completion)
    }

    private func application() throws(VaultError) -> Application {
        Application(
            id: try ApplicationID("app"),
            provider: Provider(
                name: "example", authorizationEndpoint: "https://example.com/authorize",
                tokenEndpoint: "https://example.com/token"),
            clientID: "id", clientSecret: try "secret".secret(),
            redirectURI: "https://oauth2.example.com/callback")
    }
}

private final class HeldTransport: Transport {
    let requests = Monitor<[TransportRequest]>([])

    func send(_ request: TransportRequest) { requests.withLock { $0.append(request) } }
}

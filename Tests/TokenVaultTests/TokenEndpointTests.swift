// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// The endpoint over a transport that keeps what it is given and answers when the test says so.
@Suite struct TokenEndpointTests {
    @Test func sendsARefreshAndJudgesItsAnswerOnce() throws {
        let transport = HeldTransport()
        let verdicts = Monitor<[String]>([])
        let endpoint = TokenEndpoint(transport: transport, deadlineMilliseconds: 1234)
        let token = try "r".secret()
        let request = try endpoint.refresh(token.bytes, for: try application()) { verdict in
            let word =
                switch consume verdict {
                case .tokens: "tokens"
                case .transient(_, _, let sent): sent ? "sent" : "unsent"
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
        let sent = try request.body.copy()
        let body = sent.bytes.publicText
        #expect(body == "grant_type=refresh_token&refresh_token=r")
        let hasAuthorization = request.authorization != nil
        #expect(hasAuthorization)
        #expect(verdicts.withLock { $0 } == [])
        request.answer(TransportReply(status: 200, body: try #"{"access_token":"a"}"#.secret()))
        request.answer(TransportReply(failure: .deadlineExceeded))
        #expect(verdicts.withLock { $0 } == ["tokens"])
    }

    @Test func aCancelledExchangeWasNotSent() throws {
        let transport = HeldTransport()
        let wasSent = Monitor<Bool?>(nil)
        let request = try TokenEndpoint(transport: transport).exchange(
            code: try "c".secret(), codeVerifier: nil, for: try application()
        ) { verdict in
            if case .transient(_, _, let sent) = consume verdict { wasSent.withLock { $0 = sent } }
        }
        #expect(request.cancelIfUnsent())
        #expect(wasSent.withLock { $0 } == false)
    }

    @Test func revokesWhereThereIsAnEndpoint() throws {
        let transport = HeldTransport()
        let verdicts = Monitor<[RevocationVerdict]>([])
        let endpoint = TokenEndpoint(transport: transport)
        var application = try application()
        let nothing = try endpoint.revoke(
            try "r".secret(), .refreshToken, for: application
        ) { verdict in verdicts.withLock { $0.append(verdict) } }
        #expect(nothing == nil)
        #expect(transport.requests.withLock { $0.isEmpty })
        application.provider.revocationEndpoint = "https://example.com/revoke"
        let request = try endpoint.revoke(
            try "r".secret(), .refreshToken, for: application
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
        let code = try "c".secret()
        do throws(VaultError) {
            try TokenEndpoint(transport: transport).exchange(
                code: code, codeVerifier: nil, for: application
            ) { _ in Issue.record("nothing was sent") }
        } catch { thrown = error }
        #expect(thrown == VaultError(.invalidArgument, .exchange))
        #expect(transport.requests.withLock { $0.isEmpty })
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

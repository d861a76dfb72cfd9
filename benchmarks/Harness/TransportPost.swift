// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TokenVault

/// Refresh requests through the transport alone: made, sent, answered and judged, nothing stored.
/// So many at a time, each from the answer of the one before it.
final class TransportPost: Sendable {
    private let endpoint: TokenEndpoint
    private let application: Application
    private let credentials: ClientCredentials
    private let refreshToken: Secret
    private let inFlight: Int
    private let state = Mutex(State())

    private struct State {
        var unsentCount = 0
        var unansweredCount = 0
        var failureCount = 0
        var end: CheckedContinuation<Void, Never>?
    }

    /// - Parameter caFile: whom to trust where `url` is one of TLS.
    init(url: String, inFlight: Int, caFile: String?) throws {
        let transport = try CurlTransport(
            settings: CurlTransport.Settings(caFile: caFile, allowsLoopbackHTTP: true))
        endpoint = TokenEndpoint(transport: transport)
        application = Application(
            id: try ApplicationID("benchmark"),
            provider: Provider(name: "benchmark", authorizationEndpoint: url, tokenEndpoint: url),
            clientID: "benchmark", clientSecret: try Secret("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            redirectURI: "https://platform.example/callback")
        credentials = try ClientCredentials(application)
        refreshToken = try unsafe Secret(copying: Self.letters.span.bytes)
        self.inFlight = inFlight
    }

    /// Unreserved, as refresh tokens are.
    private static let letters = [UInt8](repeating: 0x72, count: Population.refreshTokenBytes)

    func measure(_ requests: Int) async throws -> Measurement {
        // The connections are made before the time runs.
        try await post(inFlight * 4)
        return try await Measurement(of: requests) { try await post(requests) }
    }

    private func post(_ requests: Int) async throws {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.unsentCount = requests
                state.unansweredCount = requests
                state.end = continuation
            }
            for _ in 0..<min(inFlight, requests) { sendNext() }
        }
        guard state.withLock({ $0.failureCount }) == 0 else {
            throw BenchmarkFailure("a request without tokens for its answer")
        }
    }

    private func sendNext() {
        let isLeft = state.withLock { state in
            guard state.unsentCount > 0 else { return false }
            state.unsentCount -= 1
            return true
        }
        guard isLeft else { return }
        do {
            endpoint.send(try request(refreshToken))
        } catch {
            finish(false)
        }
    }

    private func request(_ refreshToken: borrowing Secret) throws -> TransportRequest {
        try endpoint.refresh(refreshToken.bytes, for: application, by: credentials) {
            [self] verdict in
            if case .tokens = consume verdict { finish(true) } else { finish(false) }
        }
    }

    private func finish(_ succeeded: Bool) {
        let end = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if !succeeded { state.failureCount += 1 }
            state.unansweredCount -= 1
            return state.unansweredCount == 0 ? state.end.take() : nil
        }
        if let end { end.resume() } else { sendNext() }
    }
}

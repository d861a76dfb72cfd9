// SPDX-License-Identifier: Apache-2.0

/// Asks a provider to revoke both tokens of a pair, at the same time: some servers leave the one
/// alive when the other is revoked. Best effort, bounded.
struct Revocation {
    /// How long one request may take, in milliseconds.
    static let deadlineMilliseconds = 5000

    /// What came of it, for each token.
    struct Outcomes: Sendable {
        var refreshToken = DisconnectReceipt.Revocation.notNeeded
        var accessToken = DisconnectReceipt.Revocation.notNeeded
    }

    private let network: Network

    init(_ network: Network) { self.network = network }

    /// - Parameter completion: runs once, when both are answered, on the transport's thread; or at
    ///   once where the provider has no revocation endpoint.
    func send(
        _ application: borrowing Application, _ tokens: borrowing TokenSet,
        _ completion: @escaping @Sendable (Outcomes) -> Void
    ) throws(VaultError) {
        guard let endpoint = application.provider.revocationEndpoint else {
            return completion(Outcomes(refreshToken: .unsupported, accessToken: .unsupported))
        }
        try network.addressGuard.check(endpoint)
        let pending = Pending(completion)
        switch tokens.refreshToken {
        case .none: break
        case .some(let token):
            try send(application, token, isRefreshToken: true, pending)
        }
        try send(application, tokens.accessToken, isRefreshToken: false, pending)
        pending.end()
    }

    private func send(
        _ application: borrowing Application, _ token: borrowing Secret, isRefreshToken: Bool,
        _ pending: Pending
    ) throws(VaultError) {
        pending.begin()
        do throws(VaultError) {
            try network.revocationEndpoint.revoke(
                token, isRefreshToken ? .refreshToken : .accessToken, for: application
            ) { verdict in
                pending.end { outcomes in
                    if isRefreshToken {
                        outcomes.refreshToken = .init(verdict)
                    } else {
                        outcomes.accessToken = .init(verdict)
                    }
                }
            }
        } catch {
            pending.end()
            throw error
        }
    }

    /// Counts down the answers.
    private final class Pending: Sendable {
        private let state = Monitor((open: 1, outcomes: Outcomes()))
        private let completion: @Sendable (Outcomes) -> Void

        init(_ completion: @escaping @Sendable (Outcomes) -> Void) {
            self.completion = completion
        }

        func begin() { state.withLock { $0.open += 1 } }

        func end(_ change: (inout Outcomes) -> Void = { _ in }) {
            let finished = state.withLock { state -> Outcomes? in
                change(&state.outcomes)
                state.open -= 1
                return state.open == 0 ? state.outcomes : nil
            }
            if let finished { completion(finished) }
        }
    }
}

extension DisconnectReceipt.Revocation {
    init(_ verdict: RevocationVerdict) {
        switch verdict {
        case .revoked, .alreadyGone: self = .revoked
        case .unsupported: self = .unsupported
        case .failed(let status, _, _): self = .failed(number: status)
        }
    }
}

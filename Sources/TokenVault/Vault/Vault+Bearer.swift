// SPDX-License-Identifier: Apache-2.0

// A call of the provider's API from beginning to end: lend, call, report.
extension Vault {
    /// Lends the value of the `Authorization` header, `Bearer` and the access token (RFC 6750
    /// section 2.1), for one call of the provider's API, and reports what `body` says of it.
    ///
    /// On `ok` the light turns green; on `failed` it is red with the number; on `rejected` the
    /// token is refreshed once, and `body` called once more with the new one. One that was rejected
    /// and refreshed already before it was lent is not refreshed again.
    ///
    /// What cannot be written down of a call that was made is not thrown, since the call would be
    /// made again: `status` shows it later. Where `body` throws nothing is reported.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - minimumLifetime: as `withAccessToken`.
    ///   - awaitsLateAnswer: as `refresh`.
    ///   - body: makes the call, and must not keep the bytes. They hold a block of `SecretArena`
    ///     until it returns: see `LentToken`.
    /// - Returns: what the last call said.
    /// - Throws: as `withAccessToken`, and as `reportRejected` where nothing new came: then the
    ///   call was made, and rejected. What `body` throws.
    @discardableResult
    public func withBearer(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing Secret) async throws -> TokenUse
    ) async throws -> TokenUse {
        try checkProcess()
        return try await bearer(id, minimumLifetime, awaitsLateAnswer, body).get()
    }

    /// The same with a body that throws nothing.
    @discardableResult
    public func withBearer(
        _ id: ConnectionID, minimumLifetime: Duration = .zero, awaitsLateAnswer: Bool = false,
        _ body: (borrowing Secret) async -> TokenUse
    ) async throws(VaultError) -> TokenUse {
        try checkProcess()
        return try await bearer(id, minimumLifetime, awaitsLateAnswer, body).get()
    }

    private func bearer<Failure: Error>(
        _ id: ConnectionID, _ minimumLifetime: Duration, _ isPatient: Bool,
        _ body: (borrowing Secret) async throws(Failure) -> TokenUse
    ) async throws(VaultError) -> Result<TokenUse, Failure> {
        var mayRepeat = true
        while true {
            let lent = try await lendBearer(id, minimumLifetime, isPatient)
            let use: TokenUse
            do throws(Failure) {
                use = try await body(lent.header)
            } catch {
                return .failure(error)
            }
            guard use == .rejected, mayRepeat, !lent.followsRejection else {
                await report(use, id, generation: lent.generation)
                return .success(use)
            }
            mayRepeat = false
            try await reportRejected(
                id, generation: lent.generation, awaitsLateAnswer: isPatient)
        }
    }

    /// A header, and of which token it is; the token itself is wiped, so that one block is held.
    private struct Bearer: ~Copyable {
        let header: Secret
        let generation: UInt64
        let followsRejection: Bool

        init(_ token: consuming LentToken) throws(VaultError) {
            header = try token.authorizationHeader()
            generation = token.generation
            followsRejection = token.followsRejection
        }
    }

    private func lendBearer(
        _ id: ConnectionID, _ minimumLifetime: Duration, _ isPatient: Bool
    ) async throws(VaultError) -> Bearer {
        try Bearer(
            await accessToken(
                id, minimumLifetime: minimumLifetime, awaitsLateAnswer: isPatient))
    }

    private func report(_ use: TokenUse, _ id: ConnectionID, generation: UInt64) async {
        do throws(VaultError) {
            switch use.kind {
            case .ok: try await reportUse(id, generation: generation)
            case .failed(let number): try await reportFailed(id, number: number)
            // With no refresh: a token that has just come was rejected, too.
            case .rejected: _ = try await noteRejected(id, generation: generation)
            }
        } catch {
            // The disk is full, or the connection is gone: the call was made all the same.
        }
    }
}

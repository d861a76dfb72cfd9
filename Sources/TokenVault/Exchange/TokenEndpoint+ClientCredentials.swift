// SPDX-License-Identifier: Apache-2.0

extension TokenEndpoint {
    /// The request by which a client asks for a token by itself, for `send`. Its answer is not
    /// listened for beyond the deadline: nothing was presented, and the next request brings another
    /// token. There is no grant that could be lost: `invalid_grant` is a refusal like others.
    ///
    /// - Parameters:
    ///   - scope: as of `TokenRequest.clientCredentials`.
    ///   - isFirst: whether the connection is being made: its answer's token type is looked at as
    ///     that of a code's, and it leaves as one.
    package func clientCredentials(
        scope: String?, for application: borrowing Application, by credentials: ClientCredentials,
        isFirst: Bool = false, completion: @escaping Completion
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.clientCredentials(
            scope: scope, for: application, by: credentials)
        return try askAnew(
            request, application.provider, credentials, isFirst: isFirst, completion)
    }

    /// The same with an assertion that the application signs (RFC 7523 section 2.1), a new one each
    /// time. `invalid_grant` then means that the provider does not take what it says, or by which
    /// key: no token is lost by it.
    ///
    /// - Parameter subject: as of `TokenRequest.jwtBearer`.
    package func jwtBearer(
        subject: String?, scope: String?, for application: borrowing Application,
        by credentials: ClientCredentials, isFirst: Bool = false,
        completion: @escaping Completion
    ) throws(VaultError) -> TransportRequest {
        let request = try TokenRequest.jwtBearer(
            subject: subject, scope: scope, for: application, by: credentials, clock: clock)
        return try askAnew(
            request, application.provider, credentials, isFirst: isFirst, completion)
    }

    private func askAnew(
        _ request: consuming TokenRequest, _ provider: Provider, _ credentials: ClientCredentials,
        isFirst: Bool, _ completion: @escaping Completion
    ) throws(VaultError) -> TransportRequest {
        let types = isFirst ? BearerTypes.connect(provider) : credentials.bearerTypes
        let rules = credentials.rules
        return try make(
            request, to: provider.tokenEndpoint, isReserved: isFirst, rules: rules
        ) { reply in
            let verdict = Verdict(reply, types: types, rules: rules)
            if let status = verdict.lostGrantStatus {
                completion(.refused(status: status, error: .invalidGrant))
            } else {
                completion(verdict)
            }
        }
    }
}

extension Verdict {
    /// The status of an answer that says that a grant is lost; nil of others.
    fileprivate var lostGrantStatus: Int? {
        switch self {
        case .grantLost(let status): status
        default: nil
        }
    }
}

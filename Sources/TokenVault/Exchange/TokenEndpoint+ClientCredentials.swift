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
        let provider = application.provider
        let request = try TokenRequest.clientCredentials(
            scope: scope, for: application, by: credentials)
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

// SPDX-License-Identifier: Apache-2.0

/// The body of an application's refreshes but for the token, and what the client signs for each:
/// all that differs between two of them.
struct RefreshForm: ~Copyable, Sendable {
    private let text: Secret
    /// Where the token goes.
    private let gap: Int
    /// Where what the client signs goes, behind that; nil where it signs nothing.
    private let assertionGap: Int?
    private let isJSON: Bool

    /// What is presented is the refresh token (RFC 6749 section 6), or the access token where the
    /// provider wants that. No scope is sent of ourselves: the grant's own is asked for.
    ///
    /// - Throws: as `Form.filled`.
    init(_ application: borrowing Application) throws(VaultError) {
        let provider = application.provider
        let names = provider.tokenParameterNames
        let redirectURI = provider.sendsRedirectURIOnRefresh ? application.redirectURI : nil
        var (gap, assertionGap) = (0, 0)
        let method = provider.clientAuthentication
        text = try Form.filled(provider.requestBody) { form in
            switch provider.refreshGrant {
            case .refreshToken:
                form.add(names["grant_type"], text: "refresh_token")
                gap = form.addGap(names["refresh_token"] ?? "refresh_token")
            case .exchange(let grantType, let parameter):
                form.add(names["grant_type"], text: grantType)
                gap = form.addGap(parameter)
            }
            if let redirectURI { form.add(names["redirect_uri"], text: redirectURI) }
            form.add(clientOf: application, by: method)
            if method == .privateKeyJWT { assertionGap = form.add(assertion: RawSpan()) }
            form.add(provider.tokenParameters)
            form.add(provider.refreshParameters)
        }
        self.gap = gap
        self.assertionGap = method == .privateKeyJWT ? assertionGap : nil
        isJSON = provider.requestBody == .json
    }

    /// The body with a token in it.
    ///
    /// - Throws: as `Form.filled`; `invalidArgument` where JSON would have to hold a token of other
    ///   bytes than printable ASCII (RFC 6749 appendix A.17).
    func filled(with token: RawSpan) throws(VaultError) -> Secret {
        var place = 0
        return try filled(with: token, assertion: RawSpan(), at: &place)
    }

    /// The same with what the client has signed.
    ///
    /// - Parameter place: is set to where that begins.
    /// - Throws: the same.
    func filled(
        with token: RawSpan, assertion: RawSpan, at place: inout Int
    ) throws(VaultError) -> Secret {
        guard !isJSON || JSONText.isVisible(token) else {
            throw VaultError(.invalidArgument, .exchange)
        }
        let byteCount =
            text.count + Form.encodedByteCount(token, isJSON: isJSON) + assertion.byteCount
        guard byteCount <= SecretArena.secretBytesMax else {
            throw VaultError(.limitExceeded, .exchange, number: SecretArena.secretBytesMax)
        }
        var body = try Secret(capacity: byteCount)
        let bytes = text.bytes
        var fits =
            body.append(bytes.extracting(0..<gap))
            && Form.append(token, to: &body, isJSON: isJSON)
        let end = assertionGap ?? bytes.byteCount
        fits = body.append(bytes.extracting(gap..<end)) && fits
        place = body.count
        fits =
            body.append(assertion) && body.append(bytes.extracting(end..<bytes.byteCount)) && fits
        precondition(fits)
        return body
    }
}

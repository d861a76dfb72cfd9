// SPDX-License-Identifier: Apache-2.0

/// Signs one assertion for each request: all that they have in common. Either the client proves
/// itself by them (RFC 7523 section 2.2, OpenID Connect Core section 9), or they are what it asks
/// for a token with (RFC 7523 section 2.1). Its key is wiped with the last reference.
package final class AssertionMaker: Sendable {
    /// The value of `client_assertion_type`.
    static let clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    /// How old an assertion may be when it leaves, in milliseconds. A request may wait for its
    /// turn, or stand still with the machine; an older one is made anew.
    static let ageMillisecondsMax: Int64 = 5000

    /// What each says, beside when it was made.
    struct Claims: Sendable {
        var issuer: String
        /// Nil where none is named.
        var subject: String?
        var audience: String
        var others: [Provider.Parameter] = []
    }

    let claims: Claims
    /// Whether it is what a token is asked for with.
    let isGrant: Bool
    private let key: SigningKey
    private let clock: any TimeSource

    /// What the client authenticates by; nil where it does so otherwise.
    ///
    /// - Throws: `invalidArgument` where there is no key.
    convenience init?(
        _ application: borrowing Application, _ clock: any TimeSource
    ) throws(VaultError) {
        guard application.provider.clientAuthentication == .privateKeyJWT else { return nil }
        let claims = Claims(
            issuer: application.clientID, subject: application.clientID,
            audience: application.provider.audienceOfAssertions)
        try self.init(claims, isGrant: false, application, clock)
    }

    /// - Throws: `invalidArgument` where there is no key.
    init(
        _ claims: Claims, isGrant: Bool, _ application: borrowing Application,
        _ clock: any TimeSource
    ) throws(VaultError) {
        switch application.signingKey {
        case .none: throw VaultError(.invalidArgument, .exchange, .empty, .signingKey)
        case .some(let signingKey): key = try signingKey.copy()
        }
        (self.claims, self.isGrant, self.clock) = (claims, isGrant, clock)
    }

    /// One for one request.
    ///
    /// - Throws: as `Assertion.make`.
    func signed() throws(VaultError) -> Signed {
        let now = clock.now()
        let text = try Assertion.make(
            issuer: claims.issuer, subject: claims.subject, audience: claims.audience,
            claims: claims.others.map { ($0.name, $0.value) }, now: now, key: key)
        return Signed(text: text, time: now)
    }

    /// An assertion that was made.
    struct Signed: ~Copyable {
        let text: Secret
        let time: UnixTime

        /// Where it lies in a body.
        func placed(at offset: Int, by maker: AssertionMaker) -> Placed {
            Placed(maker: maker, bytes: offset..<offset + text.count, time: time)
        }
    }

    /// One that lies in a body.
    package struct Placed: Sendable {
        let maker: AssertionMaker
        /// Where it lies.
        let bytes: Range<Int>
        fileprivate let time: UnixTime

        /// Puts another one in its place, where it has become too old to leave, or the clock was
        /// set back. False where there is no room for that.
        func renew(in body: inout Secret) -> Bool {
            let age = maker.clock.now().milliseconds(since: time)
            guard !(0...ageMillisecondsMax).contains(age) else { return true }
            guard let signed = try? maker.signed(), signed.text.count == bytes.count else {
                return false
            }
            body.store(signed.text.bytes, at: bytes.lowerBound)
            return true
        }
    }
}

extension Provider {
    /// Who is to believe what is signed (RFC 7523 section 3): where nothing is set the issuer, as
    /// the one value (RFC 7523 is being amended so), else the token endpoint.
    var audienceOfAssertions: String {
        if let assertionAudience { return assertionAudience }
        if let issuer, !URLTemplate.isTemplate(issuer) { return issuer }
        return tokenEndpoint
    }
}

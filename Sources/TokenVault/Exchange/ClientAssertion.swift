// SPDX-License-Identifier: Apache-2.0

/// How a client proves itself by what it signs (RFC 7523 section 2.2, OpenID Connect Core section
/// 9): what all its assertions have in common. Its key is wiped with the last reference.
package final class ClientAssertion: Sendable {
    /// The value of `client_assertion_type`.
    static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    /// How old an assertion may be when it leaves, in milliseconds. A request may wait for its
    /// turn, or stand still with the machine; an older one is made anew.
    static let ageMillisecondsMax: Int64 = 5000

    private let key: SigningKey
    private let clientID: String
    private let audience: String
    private let clock: any TimeSource

    /// Nil where the client authenticates otherwise.
    ///
    /// - Throws: `invalidArgument` where there is no key.
    init?(_ application: borrowing Application, _ clock: any TimeSource) throws(VaultError) {
        guard application.provider.clientAuthentication == .privateKeyJWT else { return nil }
        switch application.signingKey {
        case .none: throw VaultError(.invalidArgument, .exchange, .empty, .signingKey)
        case .some(let signingKey): key = try signingKey.copy()
        }
        clientID = application.clientID
        audience = application.provider.audienceOfAssertions
        self.clock = clock
    }

    /// One for one request.
    ///
    /// - Throws: as `Assertion.make`.
    func signed() throws(VaultError) -> Signed {
        let now = clock.now()
        let text = try Assertion.make(
            issuer: clientID, subject: clientID, audience: audience, now: now, key: key)
        return Signed(text: text, time: now)
    }

    /// An assertion that was made.
    struct Signed: ~Copyable {
        let text: Secret
        let time: UnixTime

        /// Where it lies in a body.
        func placed(at offset: Int, by client: ClientAssertion) -> Placed {
            Placed(client: client, bytes: offset..<offset + text.count, time: time)
        }
    }

    /// One that lies in a body.
    package struct Placed: Sendable {
        fileprivate let client: ClientAssertion
        /// Where it lies.
        let bytes: Range<Int>
        fileprivate let time: UnixTime

        /// Puts another one in its place, where it has become too old to leave, or the clock was
        /// set back. False where there is no room for that.
        func renew(in body: inout Secret) -> Bool {
            let age = client.clock.now().milliseconds(since: time)
            guard !(0...ageMillisecondsMax).contains(age) else { return true }
            guard let signed = try? client.signed(), signed.text.count == bytes.count else {
                return false
            }
            body.store(signed.text.bytes, at: bytes.lowerBound)
            return true
        }
    }
}

extension Provider {
    /// Who is to believe the client (RFC 7523 section 3): where nothing is set the issuer, as the
    /// one value (RFC 7523 is being amended so), else the token endpoint.
    var audienceOfAssertions: String {
        if let assertionAudience { return assertionAudience }
        if let issuer, !URLTemplate.isTemplate(issuer) { return issuer }
        return tokenEndpoint
    }
}

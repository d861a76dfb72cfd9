// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

extension Ledger {
    /// Issues a code for a consent, or nil when too many are remembered already.
    mutating func issueCode(for request: AuthorizationRequest, user: String) -> String? {
        if codes.count >= AuthorizationCode.remembered {
            let now = now
            codes = codes.filter { $0.value.expires > now }
            if codes.count >= AuthorizationCode.remembered { return nil }
        }
        let code = randomText("code")
        codes[code] = AuthorizationCode(
            clientID: request.client.id, redirectURI: request.redirectURI,
            challenge: request.challenge, scope: request.scope, user: user,
            expires: now + (request.consent?.provider.codeLifetime ?? AuthorizationCode.lifetime),
            consent: request.consent)
        counters.approvals += 1
        return code
    }

    /// Exchanges a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6). A code works once; the
    /// second use ends what the first one was given, because one of the two users stole it.
    mutating func exchange(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        do {
            let reply = try judgeExchange(form, client: client)
            counters.codeExchanges += 1
            return reply
        } catch {
            counters.codeExchangesFailed += 1
            throw error
        }
    }

    private mutating func judgeExchange(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        guard let code = form["code"], let redirectURI = form["redirect_uri"] else {
            throw OAuthError("invalid_request", "code or redirect_uri is missing")
        }
        guard let record = codes[code], record.clientID == client.id else {
            throw OAuthError("invalid_grant", "unknown code")
        }
        switch record.use {
        case .unused: break
        case .spoiled: throw OAuthError("invalid_grant", "the code was already presented")
        case .exchanged(let grant):
            counters.codesReused += 1
            endGrant(grant, .codeReused)
            throw OAuthError("invalid_grant", "the code was already used: its tokens have ended")
        }
        codes[code]?.use = .spoiled
        guard record.expires > now else {
            throw OAuthError("invalid_grant", "the code has expired")
        }
        guard record.redirectURI == redirectURI else {
            throw OAuthError("invalid_grant", "redirect_uri is not the one authorized")
        }
        guard verifies(form["code_verifier"], record.challenge) else {
            throw OAuthError("invalid_grant", "code_verifier does not match")
        }
        let (grant, reply) = openGrant(
            clientID: client.id, user: record.user, scope: record.scope)
        codes[code]?.use = .exchanged(grant: grant)
        return reply
    }

    /// A verifier without a challenge is refused as well: somebody removed the challenge on the
    /// way (RFC 9700 section 2.1.1).
    func verifies(_ verifier: String?, _ challenge: String?) -> Bool {
        guard let challenge else { return verifier == nil }
        guard let verifier, (43...128).contains(verifier.utf8.count),
            verifier.isUnreserved
        else { return false }
        return Data(SHA256.hash(data: Data(verifier.utf8))).base64URL == challenge
    }
}

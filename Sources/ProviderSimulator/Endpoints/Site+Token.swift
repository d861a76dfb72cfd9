// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

extension Site {
    /// `POST /token` (RFC 6749 section 3.2).
    func token(_ request: Request, channel: any Channel) async throws -> Response {
        let form = try await form(of: request)
        let authorization = request.headers[.authorization]
        let ticket = book.begin(.token, refreshToken: form?["refresh_token"])
        defer { book.end(ticket) }
        return try await FaultyReply(ticket.fault, channel: channel).response {
            issue(form, authorization: authorization)
        }
    }

    private func issue(_ form: Form?, authorization: String?) -> Reply {
        do {
            return .json(
                try book.use { ledger throws(OAuthError) in
                    let reply = try ledger.answer(form, authorization: authorization)
                    return reply.json(
                        expiryStyle: ledger.settings.expiryStyle, unixNow: WallClock.unixSeconds)
                })
        } catch {
            return .refusal(error)
        }
    }

    /// `POST /revoke` (RFC 7009).
    func revoke(_ request: Request, channel: any Channel) async throws -> Response {
        let form = try await form(of: request)
        let authorization = request.headers[.authorization]
        let ticket = book.begin(.revoke, refreshToken: nil)
        return try await FaultyReply(ticket.fault, channel: channel).response {
            do throws(OAuthError) {
                try book.use { ledger throws(OAuthError) in
                    let (form, client) = try ledger.authenticate(form, authorization)
                    try ledger.revoke(form, client: client)
                }
                return .empty(.ok)
            } catch {
                return .refusal(error)
            }
        }
    }
}

extension Ledger {
    /// Authenticates the client and carries out the grant type it names.
    fileprivate mutating func answer(
        _ form: Form?, authorization: String?
    ) throws(OAuthError) -> TokenReply {
        let (form, client) = try authenticate(form, authorization)
        if let exchange = settings.exchange, form["grant_type"] == exchange.grantType {
            return try renew(form, by: exchange, client: client)
        }
        switch form["grant_type"] {
        case "refresh_token": return try refresh(form, client: client)
        case "authorization_code": return try exchange(form, client: client)
        case DeviceRequest.grantType: return try poll(form, client: client)
        case "client_credentials": return try issueOwn(form, client: client)
        case Ledger.jwtBearer: return try issueByAssertion(form, client: client)
        case nil: throw OAuthError("invalid_request", "grant_type is missing")
        default: throw OAuthError("unsupported_grant_type", "not supported here")
        }
    }

    /// The client, if it proved to be itself (RFC 6749 section 2.3): by HTTP Basic, by the form,
    /// by what it signed, or, for a public client, by its id alone. Two ways in one request are
    /// refused.
    mutating func authenticate(
        _ form: Form?, _ authorization: String?
    ) throws(OAuthError) -> (Form, ProviderSimulator.Client) {
        guard let form else {
            throw OAuthError("invalid_request", "not a form, or a parameter is repeated")
        }
        if form["client_assertion"] != nil || form["client_assertion_type"] != nil {
            guard authorization == nil, form["client_secret"] == nil else {
                throw OAuthError("invalid_request", "two ways of client authentication")
            }
            return (form, try clientBehindAssertion(form))
        }
        if form["grant_type"] == Self.jwtBearer, authorization == nil, form["client_id"] == nil {
            return (form, try clientOfAssertion(form))
        }
        var (id, secret) = (form["client_id"], form["client_secret"])
        if let authorization {
            guard secret == nil else {
                throw OAuthError("invalid_request", "two ways of client authentication")
            }
            let basic = Ledger.basicCredentials(authorization)
            guard let basic, id == nil || id == basic.id else {
                counters.clientsRefused += 1
                throw OAuthError("invalid_client", "client authentication failed", status: 401)
            }
            (id, secret) = (basic.id, basic.secret)
        }
        guard let client = id.flatMap({ settings.client($0) }), secret == client.secret,
            client.publicKeys.isEmpty || client.subjects != nil
        else {
            counters.clientsRefused += 1
            throw OAuthError("invalid_client", "client authentication failed", status: 401)
        }
        return (form, client)
    }

    /// Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1).
    static func basicCredentials(_ header: String) -> (id: String, secret: String?)? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let bytes = Data(base64Encoded: String(parts[1])),
            let pair = String(validating: bytes, as: UTF8.self)?.utf8,
            let colon = pair.firstIndex(of: UInt8(ascii: ":")),
            let id = Form.decode(pair[..<colon]),
            let secret = Form.decode(pair[colon...].dropFirst())
        else { return nil }
        return (id, secret.isEmpty ? nil : secret)
    }
}

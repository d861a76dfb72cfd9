// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

extension Site {
    /// Answers a request as the provider does whose host it names.
    func play(
        _ request: Request, on stage: Stage, path: Substring, query: Substring,
        channel: any Channel
    ) async throws -> Response {
        let authority = request.head.authority ?? ""
        if path == "/userinfo", let provider = stage.provider(at: authority) {
            return probe(request, provider).response
        }
        let found: Stage.Found
        do throws(Stage.Miss) {
            found = try stage.find(
                method: request.method.rawValue, authority: authority, path: path)
        } catch {
            return Site.miss(error).response
        }
        let bytes = try await body(of: request)
        let played = PlayedRequest(
            found, method: request.method, headers: request.headers, query: query,
            bytes: bytes.readableBytesView)
        switch found.route.action {
        case .authorize:
            let isPage = request.method == .get
            let form = isPage ? Form(encoded: query.utf8) : played.parameters
            return (isPage ? playedPage(form, found, path) : playedDecision(form, found)).response
        case .token:
            let ticket = book.begin(.token, refreshToken: played.parameters["refresh_token"])
            defer { book.end(ticket) }
            return try await FaultyReply(ticket.fault, channel: channel, request: played)
                .response { issue(played) }
        case .revoke(let revocation):
            let ticket = book.begin(.revoke, refreshToken: nil)
            return try await FaultyReply(ticket.fault, channel: channel, request: played)
                .response { revoke(played, revocation) }
        case .lookUp(let credential, let shape):
            return lookUp(played, credential, shape).response
        case .introspect(let introspection):
            return introspect(played, introspection).response
        }
    }

    private func issue(_ request: PlayedRequest) -> Reply {
        do throws(Cause) {
            let (shape, variables) = try book.use { ledger throws(Cause) in
                try ledger.giveTokens(request)
            }
            return request.reply(200, shape, variables)
        } catch {
            return request.reply(request.provider.answer(for: error))
        }
    }

    private func revoke(_ request: PlayedRequest, _ revocation: Revocation) -> Reply {
        do throws(Cause) {
            let (outcome, variables) = try book.use { ledger throws(Cause) in
                try ledger.playRevoke(request, revocation)
            }
            return request.reply(outcome.status, outcome.shape, variables)
        } catch {
            return request.reply(request.provider.answer(for: error))
        }
    }

    private func lookUp(
        _ request: PlayedRequest, _ credential: Credential, _ shape: Shape
    ) -> Reply {
        do throws(Cause) {
            let variables = try book.use { ledger throws(Cause) in
                try ledger.lookUp(request, credential)
            }
            return request.reply(200, shape, variables)
        } catch {
            return request.reply(request.provider.answer(for: error))
        }
    }

    private func introspect(_ request: PlayedRequest, _ introspection: Introspection) -> Reply {
        do throws(Cause) {
            let variables = try book.use { ledger throws(Cause) in
                try ledger.playIntrospection(request, introspection)
            }
            guard let variables else {
                return request.reply(200, introspection.dead, request.variables)
            }
            return request.reply(200, introspection.living, variables)
        } catch {
            return request.reply(request.provider.answer(for: error))
        }
    }

    /// `GET /userinfo` at every provider's hosts, so that a test can see whether a token works:
    /// then there is a `sub` in the reply. Otherwise it is what a call of the API would be told.
    private func probe(_ request: Request, _ provider: ProviderSimulator.Provider) -> Reply {
        let parts = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        let token = parts.count == 2 && parts[0].lowercased() == "bearer" ? parts[1] : ""
        do throws(Cause) {
            let user = try book.use { ledger throws(Cause) in
                do throws(Cause) {
                    let record = try ledger.livingAccess(String(token), provider)
                    ledger.counters.userinfoAccepted += 1
                    return ledger.grants[record.grant].user
                } catch {
                    ledger.counters.userinfoRefused += 1
                    throw error
                }
            }
            return .json(Shape.object([("sub", .text("{user}"))]).json(["user": user]) ?? "")
        } catch {
            let answer = provider.answer(for: error)
            return .json(
                answer.shape.json(Variables.make(user: "", client: "")) ?? "",
                status: .init(code: answer.status))
        }
    }

    private func playedPage(_ form: Form?, _ found: Stage.Found, _ path: Substring) -> Reply {
        guard let form else { return page(.badRequest, .refusal("The request cannot be read.")) }
        do {
            let request = try book.use { ledger throws(AuthorizationRequest.Refusal) in
                ledger.counters.authorizeRequests += 1
                return try AuthorizationRequest(form, at: found, settings: ledger.settings)
            }
            return page(
                .ok, .consent(form, request, action: path), formAction: request.redirectURI)
        } catch {
            return answer(error, redirectStatus: .found)
        }
    }

    private func playedDecision(_ form: Form?, _ found: Stage.Found) -> Reply {
        guard let form, let decision = form["decision"], ["approve", "deny"].contains(decision)
        else { return page(.badRequest, .refusal("The form lacks a decision.")) }
        do {
            let location = try book.use { ledger throws(AuthorizationRequest.Refusal) in
                ledger.counters.authorizeRequests += 1
                let request = try AuthorizationRequest(
                    form, at: found, settings: ledger.settings)
                return try ledger.decide(
                    request, approve: decision == "approve", user: form["user"] ?? "")
            }
            return .redirect(to: location, status: .seeOther)
        } catch {
            return answer(error, redirectStatus: .seeOther)
        }
    }

    private static func miss(_ miss: Stage.Miss) -> Reply {
        switch miss {
        case .host: .empty(.misdirectedRequest)
        case .path: .empty(.notFound)
        case .method: .empty(.methodNotAllowed)
        }
    }
}

extension PlayedRequest {
    /// One of the provider's own answers.
    func reply(_ answer: ProviderSimulator.Provider.Answer) -> Reply {
        var variables = variables
        variables.merge(Variables.make(user: "", client: "")) { $1 }
        var reply = reply(answer.status, answer.shape, variables)
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { reply.headers[name] = value }
        }
        return reply
    }

    /// A reply in the form that the provider chooses for this request.
    func reply(_ status: Int, _ shape: Shape?, _ variables: [String: String]) -> Reply {
        var reply = Reply.empty(.init(code: status))
        if let shape {
            let accepted = (headers[.accept] ?? "").lowercased()
            // What has to do with an API is JSON everywhere.
            if case .formByDefault = provider.format, route.isToken,
                !accepted.contains("json")
            {
                reply.body = ByteBuffer(string: shape.form(variables))
                reply.headers[.contentType] = "application/x-www-form-urlencoded; charset=utf-8"
            } else {
                reply = .json(shape.json(variables) ?? "", status: .init(code: status))
            }
        }
        for (name, template) in provider.replyHeaders {
            guard let name = HTTPField.Name(name),
                let value = Shape.fill(
                    template, Variables.make(user: "", client: "").merging(variables) { $1 })
            else { continue }
            reply.headers[name] = value
        }
        return reply
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// A running server that plays providers, and requests to them under their own host names.
struct PlayedServer {
    static let client = ["client_id": "demo", "client_secret": "s3cret"]
    static let basic = HTTP.basic("demo", "s3cret")

    let simulator: ProviderSimulator

    /// A reply, its body read by its content type.
    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String

        /// The value at a path such as `authed_user.id` or `0.id`, as text; nil without one.
        subscript(path: String) -> String? {
            if headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true {
                return PlayedServer.query(body)[path]
            }
            var value = try? JSONSerialization.jsonObject(
                with: Data(body.utf8), options: .fragmentsAllowed)
            for name in path.split(separator: ".", omittingEmptySubsequences: false) {
                if let list = value as? [Any], let index = Int(name), index < list.count {
                    value = list[index]
                } else {
                    value = (value as? [String: Any])?[String(name)]
                }
            }
            switch value {
            case let text as String: return text
            case let number as NSNumber: return number.stringValue
            case is NSNull: return "null"
            case let other?: return "\(other)"
            case nil: return nil
            }
        }
    }

    static func run(
        _ names: [String], clients: [ProviderSimulator.Client]? = nil,
        _ body: (PlayedServer) async throws -> Void
    ) async throws {
        var settings = ProviderSimulator.Settings(
            clients: clients ?? [
                .init(id: "demo", secret: "s3cret", redirectURIs: [Fixture.redirectURI])
            ])
        settings.providers = try names.map {
            try #require(ProviderSimulator.Provider.named($0))
        }
        let simulator = try await ProviderSimulator.start(settings)
        do {
            try await body(PlayedServer(simulator: simulator))
        } catch {
            await simulator.stop()
            throw error
        }
        await simulator.stop()
    }

    /// Sends a request to a URL without scheme.
    func send(
        _ method: String, _ address: String, _ fields: [String: String]? = nil,
        json: Bool = false, headers: [String: String] = [:]
    ) async throws -> Answer {
        let host = String(address.prefix { $0 != "/" && $0 != "?" })
        var headers = headers.merging(["Host": host]) { $1 }
        var target = String(address.dropFirst(host.count))
        var body = ""
        if let fields, method == "GET" {
            target += "?" + PlayedServer.encoded(fields)
        } else if let fields, json {
            headers["Content-Type"] = "application/json"
            let data = try JSONSerialization.data(withJSONObject: fields)
            body = String(decoding: data, as: UTF8.self)
        } else if let fields {
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = PlayedServer.encoded(fields)
        }
        let reply = try await HTTP.send(method, simulator.baseURL + target, headers, body)
        return Answer(status: reply.status, headers: reply.headers, body: reply.body)
    }

    /// Opens the page, consents by its form, and returns the members of the callback.
    func consent(
        _ address: String, _ query: [String: String], user: String = "ada",
        decision: String = "approve"
    ) async throws -> [String: String] {
        var fields = [
            "client_id": "demo", "redirect_uri": Fixture.redirectURI, "response_type": "code",
            "state": "st-ate",
        ]
        fields.merge(query) { $1 }
        let page = try await send("GET", address, fields)
        #expect(page.status == 200 && page.body.contains("<form"), "\(address): \(page.body)")
        fields.merge(["decision": decision, "user": user]) { $1 }
        let reply = try await send("POST", address, fields)
        #expect(reply.status == 303, "\(address): \(reply.body)")
        let location = try #require(reply.headers["location"])
        #expect(location.hasPrefix(Fixture.redirectURI + "?"))
        let callback = PlayedServer.query(String(location.drop { $0 != "?" }.dropFirst()))
        #expect(callback["state"] == "st-ate")
        #expect(callback["iss"] == nil)
        return callback
    }

    /// Whether an access token works at a provider. Slack refuses with status 200, too.
    func works(_ token: String, at host: String) async throws -> Bool {
        let reply = try await send(
            "GET", host + "/userinfo", headers: ["Authorization": "Bearer " + token])
        return reply.status == 200 && reply["sub"] != nil
    }

    static func encoded(_ fields: [String: String]) -> String {
        var plain = CharacterSet.alphanumerics
        plain.insert(charactersIn: "-._~")
        return fields.sorted { $0.key < $1.key }.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: plain) ?? "")"
        }.joined(separator: "&")
    }

    static func query(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            let value = pair.dropFirst(name.count + 1).map { $0 == "+" ? " " : $0 }
            fields[String(name)] = String(value).removingPercentEncoding
        }
        return fields
    }
}

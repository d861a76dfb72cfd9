// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// Starting, ending, describing and controlling the server.
struct ServerTests {
    @Test func severalServersRunInOneProcess() async throws {
        for _ in 0..<3 {
            try await Fixture.run { first in
                try await Fixture.run { second in
                    #expect(first.url != second.url)
                    _ = try first.simulator.mint(2)
                    #expect(second.simulator.grants.isEmpty)
                }
            }
        }
    }

    @Test func portIsFreeAfterStop() async throws {
        var url = ""
        try await Fixture.run { url = $0.url }
        await #expect(throws: (any Error).self) { try await HTTP.get(url + "/userinfo") }
        let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
        try await Fixture.run({ $0.port = port }) { #expect($0.url == url) }
    }

    @Test func takenPortIsAnError() async throws {
        try await Fixture.run { fixture in
            let port = try #require(fixture.url.split(separator: ":").last.flatMap { Int($0) })
            await #expect(throws: (any Error).self) {
                try await Fixture.run({ $0.port = port }) { _ in }
            }
        }
    }

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1", "localhost"])
    func onlyLoopbackIsServed(host: String) async throws {
        await #expect(throws: ProviderSimulator.SettingsError.self) {
            try await Fixture.run({ $0.host = host }) { _ in }
        }
    }

    @Test func metadataNamesTheEndpoints() async throws {
        try await Fixture.run { fixture in
            let reply = try await HTTP.get(
                fixture.url + "/.well-known/oauth-authorization-server")
            #expect(reply.member("issuer") == fixture.url)
            #expect(reply.member("token_endpoint") == fixture.url + "/token")
            #expect(reply.member("revocation_endpoint") == fixture.url + "/revoke")
            #expect(reply.body.contains("\"code_challenge_methods_supported\":[\"S256\"]"))
            #expect(try await HTTP.get(fixture.url + "/nowhere").status == 404)
        }
    }

    @Test func controlNeedsItsKey() async throws {
        try await Fixture.run { fixture in
            let reply = try await HTTP.get(
                fixture.url + "/control/counters", ["X-Control-Key": ""])
            #expect(reply.status == 404)
        }
        try await Fixture.run({ $0.controlKey = "key" }) { fixture in
            let url = fixture.url + "/control/counters"
            let keyless = try await HTTP.get(url)
            #expect(keyless.status == 403)
            #expect(try await HTTP.get(url, ["X-Control-Key": "kex"]).status == 403)
            #expect(try await HTTP.get(url, ["X-Control-Key": "key"]).status == 200)
        }
    }

    @Test func controlMintsSpoilsAndSets() async throws {
        try await Fixture.run({ $0.controlKey = "key" }) { fixture in
            let key = ["X-Control-Key": "key"]
            let control = fixture.url + "/control/"
            let minted = try await HTTP.post(control + "grants?count=3&user=bob", "", key)
            #expect(minted.body.split(separator: "\n").count == 3)
            let token = try #require(minted.member("refresh_token"))

            let fault = #"{"kind":"status","status":429,"retry_after":"3","replies":1}"#
            #expect(try await HTTP.post(control + "fault", fault, key).status == 204)
            #expect(try await fixture.refresh(token).headers["retry-after"] == "3")
            for wrong in [
                #"{"kind":"no such"}"#, "{}", "", #"{"kind":"status","status":99}"#,
                #"{"kind":"delay_after","milliseconds":9223372036854775807}"#,
            ] {
                #expect(try await HTTP.post(control + "fault", wrong, key).status == 400)
            }

            let settings = #"{"rotation":"grace=5","access_lifetime":60,"keeps_journal":true}"#
            #expect(try await HTTP.post(control + "settings", settings, key).status == 204)
            let reply = try await fixture.refresh(token)
            #expect(reply.member("refresh_token") != nil)
            #expect(reply.body.contains("\"expires_in\":60,"))
            for refused in [
                #"{"access_lifetime":0}"#, #"{"access_lifetime":9223372036854775807}"#,
                #"{"rotation":"grace=9223372036854775807"}"#, #"{"advance_seconds":-1}"#,
                #"{"advance_seconds":9223372036854775807}"#, #"{"token_bytes":1}"#,
            ] {
                #expect(try await HTTP.post(control + "settings", refused, key).status == 400)
            }

            let journal = try await HTTP.get(control + "journal", key)
            #expect(journal.body == #"{"grant":0,"ordinal":0,"outcome":"refreshed"}"# + "\n")
            let grants = try await HTTP.get(control + "grants?user=bob-0", key)
            #expect(grants.body.contains(#""refreshRequests":2,"#))
            let tokens = try await HTTP.get(control + "tokens?user=bob-0", key)
            #expect(tokens.body.split(separator: "\n").count == 4)
            #expect(tokens.body.contains(#"{"token":"\#(token)"}"#))
            let counters = try await HTTP.get(control + "counters", key)
            #expect(counters.body.contains(#""refreshes":1,"#))
        }
    }
}

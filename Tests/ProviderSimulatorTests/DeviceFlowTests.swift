// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// Device authorization as RFC 8628 has it, from the code to the tokens.
struct DeviceFlowTests {
    private static let client = "client_id=demo&client_secret=s3cret"
    private static let grantType = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"

    private func start(_ fixture: Fixture) async throws -> (code: String, userCode: String) {
        let reply = try await HTTP.post(
            fixture.url + "/device_authorization", Self.client + "&scope=read")
        #expect(reply.status == 200 && reply.headers["cache-control"] == "no-store")
        #expect(reply.member("verification_uri") == fixture.url + "/device")
        #expect(reply.body.contains("\"expires_in\":600,\"interval\":5}"))
        return (
            try #require(reply.member("device_code")), try #require(reply.member("user_code"))
        )
    }

    private func poll(
        _ fixture: Fixture, _ code: String, _ client: String = client
    ) async throws -> HTTP.Reply {
        try await HTTP.post(
            fixture.url + "/token",
            "grant_type=\(Self.grantType)&device_code=\(code)&" + client)
    }

    @Test func aPersonApprovesAtThePage() async throws {
        try await Fixture.run { fixture in
            let (code, userCode) = try await start(fixture)
            #expect(try await poll(fixture, code).member("error") == "authorization_pending")
            let empty = try await HTTP.get(fixture.url + "/device")
            #expect(empty.status == 200 && empty.body.contains("name=\"user_code\""))
            let typed = userCode.lowercased().replacing("-", with: "")
            let page = try await HTTP.get(fixture.url + "/device?user_code=" + typed)
            #expect(page.body.contains("<b>demo</b>") && page.body.contains("<li>read</li>"))
            let policy = try #require(page.headers["content-security-policy"])
            #expect(policy.contains("form-action 'self';"))
            let form = "user_code=\(typed)&decision=approve&user=grace"
            #expect(try await HTTP.post(fixture.url + "/device", form).status == 200)
            // Once.
            #expect(try await HTTP.post(fixture.url + "/device", form).status == 400)
            fixture.simulator.advance(by: .seconds(5))
            let reply = try await poll(fixture, code)
            #expect(reply.status == 200 && reply.member("scope") == "read")
            let token = try #require(reply.member("access_token"))
            #expect(try await fixture.works(token))
            fixture.simulator.advance(by: .seconds(5))
            #expect(try await poll(fixture, code).member("error") == "invalid_grant")
        }
    }

    @Test func pollsThatComeTooSoonAreCounted() async throws {
        try await Fixture.run { fixture in
            let (code, userCode) = try await start(fixture)
            _ = try await poll(fixture, code)
            fixture.simulator.approveDevice(userCode)
            fixture.simulator.advance(by: .seconds(4))
            #expect(try await poll(fixture, code).member("error") == "slow_down")
            fixture.simulator.advance(by: .seconds(5))
            #expect(try await poll(fixture, code).status == 200)
            let counters = fixture.simulator.counters
            #expect(counters.slowDowns == 1 && counters.devicePolls == 3)
            #expect(counters.deviceCodes == 1 && counters.approvals == 1)
        }
    }

    @Test func deniedExpiredAndUnknown() async throws {
        try await Fixture.run { fixture in
            let (denied, userCode) = try await start(fixture)
            #expect(fixture.simulator.denyDevice(userCode))
            #expect(!fixture.simulator.approveDevice(userCode))
            #expect(try await poll(fixture, denied).member("error") == "access_denied")
            let (code, other) = try await start(fixture)
            let stranger = "client_id=public"
            #expect(try await poll(fixture, code, stranger).member("error") == "invalid_grant")
            #expect(try await poll(fixture, code, "client_id=demo").status == 401)
            #expect(try await poll(fixture, "nothing").member("error") == "invalid_grant")
            fixture.simulator.advance(by: .seconds(600))
            #expect(try await poll(fixture, code).member("error") == "expired_token")
            #expect(!fixture.simulator.approveDevice(other))
            let page = try await HTTP.get(fixture.url + "/device?user_code=" + other)
            #expect(page.status == 400)
            let refused = try await HTTP.post(
                fixture.url + "/device_authorization", "client_id=demo")
            #expect(refused.status == 401)
        }
    }
}

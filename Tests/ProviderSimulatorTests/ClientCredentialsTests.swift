// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProviderSimulator

/// The practice server gives tokens to a client that asks by itself.
@Suite struct ClientCredentialsTests {
    private static let basic = "Basic ZGVtbzpzM2NyZXQ="

    @Test func givesAClientWhatItMayHave() async throws {
        try await Fixture.run {
            $0.clients[0].ownScopes = ["read", "write"]
        } _: { fixture in
            func ask(_ form: String, _ authorization: String? = Self.basic) async throws -> String {
                let headers = authorization.map { ["Authorization": $0] } ?? [:]
                return try await HTTP.post(fixture.url + "/token", form, headers).body
            }
            let grant = "grant_type=client_credentials"
            let all = try await ask(grant)
            #expect(all.contains(#""scope":"read write""#) && !all.contains("refresh_token"))
            #expect(all.contains(#""expires_in":3600"#))
            #expect(try await ask(grant + "&scope=read").contains(#""scope":"read""#))
            #expect(try await ask(grant + "&scope=admin").contains("invalid_scope"))
            #expect(
                try await ask(grant + "&client_id=public", nil).contains("unauthorized_client"))
            #expect(fixture.simulator.counters.clientTokens == 2)
            #expect(fixture.simulator.counters.clientTokensRefused == 2)
        }
    }
}

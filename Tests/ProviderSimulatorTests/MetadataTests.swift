// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// What the practice server publishes about itself.
struct MetadataTests {
    @Test func eachDocumentIsWhereItsIssuerHasIt() async throws {
        try await Fixture.run { fixture in
            let (oauth, openID) = (
                "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
            )
            for (path, places) in [
                ("", [oauth, openID]), ("/", [oauth, openID]),
                ("/realms/acme", [oauth + "/realms/acme", "/realms/acme" + openID]),
            ] {
                try fixture.simulator.change { $0.metadata.path = path }
                for place in places {
                    let reply = try await HTTP.get(fixture.url + place)
                    #expect(reply.member("issuer") == fixture.url + path)
                    #expect(reply.member("token_endpoint") == fixture.url + "/token")
                }
                let elsewhere = try await HTTP.get(fixture.url + openID + "/elsewhere")
                #expect(elsewhere.status == 404)
            }
            let inserted = fixture.url + openID + "/realms/acme"
            #expect(try await HTTP.get(inserted).status == 404)
            try fixture.simulator.change { $0.metadata.documents = [.openIDInserted] }
            #expect(try await HTTP.get(inserted).status == 200)
            #expect(try await HTTP.get(fixture.url + "/realms/acme" + openID).status == 404)
        }
    }

    @Test func membersAndBytesAreWhatATestSays() async throws {
        try await Fixture.run { fixture in
            let place = fixture.url + "/.well-known/openid-configuration"
            try fixture.simulator.change {
                $0.metadata.members = [
                    .openID: ["token_endpoint": "\"https://a.example/t\"", "issuer": ""]
                ]
            }
            let reply = try await HTTP.get(place)
            #expect(reply.member("token_endpoint") == "https://a.example/t")
            #expect(!reply.body.contains("\"issuer\""))
            try fixture.simulator.change { $0.metadata.bytes = [.openID: "nonsense"] }
            #expect(try await HTTP.get(place).body == "nonsense")
            fixture.simulator.set(fault: .htmlPage, replies: 1, endpoint: .openIDMetadata)
            #expect(try await HTTP.get(place).body.hasPrefix("<!doctype html>"))
            #expect(try await HTTP.get(place).body == "nonsense")
        }
    }
}

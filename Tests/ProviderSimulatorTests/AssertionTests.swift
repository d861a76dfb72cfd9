// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import ProviderSimulator
import Testing

/// Clients that sign what they say of themselves.
struct AssertionTests {
    /// RFC 7515 appendix A.2 and A.3, RFC 8037 appendix A.4.
    @Test(arguments: [
        (
            #"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mP"#
                + "ddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32"
                + "690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTB"
                + "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8"
                + #"NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
            "RS256",
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O"
                + "8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBA"
                + "rLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6"
                + "BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN"
                + "_IoypGlUPQGe77Rw"
        ),
        (
            #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
                + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            "ES256",
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
        (
            #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "EdDSA", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
    ])
    func theSignaturesOfTheRFCsAreTaken(
        _ jwk: String, _ algorithm: String, _ message: String, _ signature: String
    ) throws {
        let key = try ProviderSimulator.PublicKey(jwk: jwk)
        let plain = String(signature.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        let bytes = Array(try #require(Data(base64Encoded: plain + padding)))
        #expect(key.verifies(bytes, of: message.utf8, algorithm: algorithm))
        #expect(!key.verifies(bytes, of: (message + "x").utf8, algorithm: algorithm))
        for other in ["RS256", "PS256", "ES256", "EdDSA", "none"] where other != algorithm {
            #expect(!key.verifies(bytes, of: message.utf8, algorithm: other))
        }
    }

    /// An Ed25519 client of a test's own, independent of the vault.
    struct Signer {
        let key = Curve25519.Signing.PrivateKey()

        static func text(_ bytes: some Sequence<UInt8>) -> String {
            Data(bytes).base64EncodedString().filter { $0 != "=" }
                .map { $0 == "+" ? "-" : $0 == "/" ? "_" : String($0) }.joined()
        }

        var jwk: String {
            let x = Self.text(key.publicKey.rawRepresentation)
            return #"{"kty":"OKP","crv":"Ed25519","kid":"k","x":"\#(x)"}"#
        }

        func sign(_ claims: String, header: String? = nil) throws -> String {
            let header = header ?? #"{"alg":"EdDSA","typ":"JWT","kid":"k"}"#
            let message = "\(Self.text(header.utf8)).\(Self.text(claims.utf8))"
            return "\(message).\(Self.text(try key.signature(for: Data(message.utf8))))"
        }
    }

    @Test func onlyWhatIsFreshAndOursIsTaken() async throws {
        let (signer, stranger) = (Signer(), Signer())
        let key = try ProviderSimulator.PublicKey(jwk: signer.jwk)
        let server = try await ProviderSimulator.start(
            .init(clients: [.init(id: "c", secret: nil, redirectURIs: ["a:b"], publicKeys: [key])]))
        let now = time(nil)
        func claims(_ change: (inout [String: String]) -> Void = { _ in }) -> String {
            var members = [
                "iss": "\"c\"", "sub": "\"c\"", "aud": "\"\(server.baseURL)\"",
                "jti": "\"\(UUID())\"", "iat": "\(now)", "exp": "\(now + 60)",
            ]
            change(&members)
            return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        }
        func ask(_ assertion: String, _ more: String = "") async throws -> String? {
            let grant = try #require(try server.mint(1).first)
            let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            let reply = try await HTTP.post(
                server.baseURL + "/token",
                "grant_type=refresh_token&refresh_token=\(grant.refreshToken)"
                    + "&client_assertion_type=\(type)&client_assertion=\(assertion)" + more)
            return reply.status == 200 ? nil : reply.member("error")
        }
        let good = try signer.sign(claims())
        #expect(try await ask(good) == nil)
        #expect(try await ask(good) == "invalid_client")
        #expect(server.counters.assertionsReplayed == 1)
        #expect(try await ask(signer.sign(claims()), "&client_id=c") == nil)
        #expect(
            try await ask(signer.sign(claims { $0["aud"] = "\"\(server.baseURL)/token\"" })) == nil)
        #expect(try await ask(signer.sign(claims()), "&client_id=d") == "invalid_client")
        #expect(try await ask(signer.sign(claims()), "&client_secret=x") == "invalid_request")
        #expect(try await ask(stranger.sign(claims())) == "invalid_client")
        #expect(try await ask(good + "A") == "invalid_client")
        let none = #"{"alg":"none","typ":"JWT","kid":"k"}"#
        #expect(try await ask(signer.sign(claims(), header: none)) == "invalid_client")
        for (name, value) in [
            ("aud", "\"https://other.example\""), ("aud", "[\"\(server.baseURL)\"]"),
            ("iss", "\"d\""), ("sub", "\"d\""), ("exp", "\(now - 31)"), ("exp", "\(now + 200)"),
            ("exp", "\(now + 61)"), ("iat", "\(now + 100)"), ("jti", "\"\""),
        ] {
            let wrong = try signer.sign(claims { $0[name] = value })
            #expect(try await ask(wrong) == "invalid_client", "\(name) \(value)")
        }
        // A client with a key has no other way.
        let grant = try #require(try server.mint(1).first)
        let bare = try await HTTP.post(
            server.baseURL + "/token",
            "grant_type=refresh_token&refresh_token=\(grant.refreshToken)&client_id=c")
        #expect(bare.member("error") == "invalid_client")
        #expect(server.counters.assertionsAccepted == 3)
        await server.stop()
    }
}

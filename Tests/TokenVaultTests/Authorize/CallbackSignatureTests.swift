// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// A callback that its provider signs with the client secret.
@Suite("Signed callbacks", .serialized)
struct CallbackSignatureTests {
    /// Shopify's own example, its secret "hush".
    static let signed = "shop=some-shop.myshopify.com&code=0907a61c0c8d55e99db179b68161bc00"
    static let hmac = "4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20"

    private func cause(
        _ query: String, key: String = "hush",
        _ encoding: Provider.CallbackSignature.Encoding = .hex
    ) throws -> FailureCause? {
        var signature = Provider.CallbackSignature()
        signature.encoding = encoding
        let query = try Secret(text: query)
        let key = try Secret(text: key)
        do throws(VaultError) {
            try Callback.checkSignature(of: query.bytes, signature, key: key.bytes)
            return nil
        } catch {
            #expect(error.code == .callbackRejected)
            return error.detail.cause
        }
    }

    @Test("Shopify's example, in any order, and what is not it")
    func example() throws {
        let right = "\(Self.signed)&timestamp=1337178173&hmac=\(Self.hmac)"
        #expect(try cause(right) == nil)
        let other = "hmac=\(Self.hmac.uppercased())&timestamp=1337178173&\(Self.signed)"
        #expect(try cause(other) == nil)
        #expect(try cause(right.replacing("some-shop", with: "some%2dshop")) == nil)
        let wrong = [
            right.replacing("8173", with: "8174"), right + "&a=b", right + "0",
            String(right.dropLast()), right.replacing("hmac=47", with: "hmac=zz"),
            "\(Self.signed)&timestamp=1337178173&hmac=",
        ]
        for query in wrong { #expect(try cause(query) == .signatureOther, "\(query)") }
        #expect(try cause(right, key: "hus") == .signatureOther)
        #expect(try cause("\(Self.signed)&timestamp=1337178173") == .signatureMissing)
        #expect(try cause("\(right)&hmac=\(Self.hmac)") == .parameterTwice)
        #expect(try cause(right, .base64) == .signatureOther)
        let base64 = "RxK/kv/CkX0VovWic%2BOfARZmdBmqS2rAs7qvJvo8TSA="
        #expect(try cause(right.replacing(Self.hmac, with: base64), .base64) == nil)
    }

    /// RFC 4231 section 4: test cases 2 and 6.
    @Test("the hash itself")
    func hash() throws {
        func hash(_ message: String, _ key: [UInt8]) throws -> String {
            var digest = try Secret(zeroes: Sodium.sha256Bytes)
            let message = try Secret(text: message)
            key.lend { key in
                var output = digest.mutableBytes
                Sodium.hmacSHA256(message.bytes, key: key, into: &output)
            }
            return (0..<digest.count).map { offset in
                let digits = String(digest.bytes.byte(at: offset), radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        }
        #expect(
            try hash("what do ya want for nothing?", Array("Jefe".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            try hash(
                "Test Using Larger Than Block-Size Key - Hash Key First",
                [UInt8](repeating: 0xaa, count: 131))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test("a callback that fails is refused, its flow stays open, and the right one completes it")
    func flow() async throws {
        let server = try ScriptedServer { _ in
            .reply(body: #"{"access_token":"a1","expires_in":3600}"#)
        }
        defer { server.stop() }
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        defer { vault.close() }
        try await vault.ready()
        var provider = Provider(
            name: "p", authorizationEndpoint: server.origin + "/authorize",
            tokenEndpoint: server.origin + "/token")
        provider.clientAuthentication = .post
        provider.callbackSignature = .init()
        try await vault.put(
            Application(
                id: ApplicationID("app"), provider: provider, clientID: "id",
                clientSecret: Secret("hush"), redirectURI: "https://platform.example/callback"))
        let id = try ConnectionID("c1")
        let request = try await vault.connect(id, application: ApplicationID("app"))
        let query = "code=x%2Fy%26z&shop=s.example&state=\(request.state)"
        // The server signs what it means, not what it writes.
        let hmac = try hmac("code=x/y%26z&shop=s.example&state=\(request.state)")
        for (wrong, cause) in [
            (query, FailureCause.signatureMissing),
            (query.replacing("s.example", with: "t.example") + "&hmac=" + hmac, .signatureOther),
            ("error=access_denied&state=\(request.state)&hmac=\(hmac)", .signatureOther),
        ] {
            do throws(VaultError) {
                try await vault.complete(callbackQuery: secret(wrong))
                Issue.record("accepted: \(wrong)")
            } catch {
                #expect(error.code == .callbackRejected && error.detail.cause == cause)
            }
        }
        #expect(server.requestCount == 0)
        _ = try await vault.complete(callbackQuery: Secret(text: "\(query)&hmac=\(hmac)"))
        let token = try await vault.accessToken(id)
        #expect(token.exposed == "a1")
    }

    private func secret(_ text: String) throws(VaultError) -> Secret { try text.secret() }

    private func hmac(_ message: String) throws -> String {
        var digest = try Secret(zeroes: Sodium.sha256Bytes)
        let message = try Secret(text: message)
        let key = try Secret(text: "hush")
        var output = digest.mutableBytes
        Sodium.hmacSHA256(message.bytes, key: key.bytes, into: &output)
        return (0..<digest.count).map { offset in
            let digits = String(digest.bytes.byte(at: offset), radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

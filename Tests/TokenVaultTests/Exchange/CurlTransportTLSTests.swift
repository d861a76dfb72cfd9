// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

@Suite("The curl transport over TLS", .serialized)
struct CurlTransportTLSTests {
    @Test("a certificate of a known authority for that host is accepted")
    func good() throws {
        let server = try TLSServer(.good)
        let transport = try CurlTransport.forTests(caFile: server.caFile)
        for _ in 0..<20 {
            let reply = try transport.answer("https://localhost:\(server.port)/token")
            #expect(reply.failure == nil && reply.status == 200)
            #expect(reply.body == "{\"tls\":1}")
        }
        #expect(transport.curlHeapWiped)
        #expect(transport.tlsHeapWiped)
        transport.close()
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test(
        "any other is not, nothing is sent, and why is told",
        arguments: [
            (TLSServer.Certificate.selfSigned, "localhost", 18), (.wrongHost, "localhost", 1),
            (.expired, "localhost", 10), (.good, "127.0.0.1", 1),
        ])
    func refused(certificate: TLSServer.Certificate, host: String, reason: Int) throws {
        let server = try TLSServer(certificate)
        let transport = try CurlTransport.forTests(caFile: server.caFile)
        let reply = try transport.answer("https://\(host):\(server.port)/token")
        #expect(reply.failure == .untrusted(verifyResult: reason))
    }

    @Test("the system's authorities do not know ours")
    func unknownAuthority() throws {
        let server = try TLSServer(.good)
        let reply = try CurlTransport.forTests().answer("https://localhost:\(server.port)/")
        #expect(reply.failure == .untrusted(verifyResult: 20))
    }

    @Test("TLS 1.1 is not spoken")
    func oldProtocol() throws {
        let server = try TLSServer(.good, oldestProtocolOnly: true)
        let transport = try CurlTransport.forTests(caFile: server.caFile)
        let reply = try transport.answer("https://localhost:\(server.port)/")
        #expect(reply.failure == .unreachable(curlCode: 35))
    }
}

// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Where a vault may connect to, by its options, and what is said where it does not.
@Suite struct OutboundTests {
    @Test func whatTheOptionsTake() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try bench.write("proxy.txt", "user\n")
            for (words, said) in [
                (["--allow-network", "0.0.0.0/0"], "is for private networks"),
                (["--allow-network", "169.254.169.254/32"], "link-local"),
                (["--allow-network", "10.20.0.1/16"], "has a bit set behind its length"),
                (["--allow-network", "10.20.0.0"], "is an address, a slash and a length"),
                (["--nat64-prefix", "2001:db8::/33"], "32, 40, 48, 56, 64 or 96"),
                (["--proxy", "proxy.example:3128"], "http://HOST:PORT"),
                (["--proxy", "http://a:b@proxy.example:3128"], "--proxy-credentials-file"),
                (["--proxy-credentials-file", "proxy.txt"], "give --proxy as well"),
                (
                    ["--proxy", "http://a:1", "--proxy-credentials-file", "proxy.txt"],
                    "has no colon"
                ),
            ] {
                let output = try await bench.expect(
                    ["list"] + words + bench.keyOptions, status: 64)
                #expect(output.errors.contains(said), "\(output.errors)")
            }
            try await bench.expect(
                ["list", "--allow-network", "10.20.0.0/16", "--allow-network", "fd12::/16"]
                    + ["--nat64-prefix", "2001:db8:64::/96", "--proxy", "http://a:1"]
                    + bench.keyOptions)
        }
    }

    @Test func aRefusalNamesItsRuleAndTheWayOut() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let words =
                ["app", "add", "b", "--client-id", "b", "--public"]
                + ["--redirect-uri", bench.redirectURI, "--authorize-url", "https://a.example/"]
            for (url, said) in [
                ("https://10.20.0.5/token", "--allow-network 10.20.0.0/16"),
                ("https://id.internal/token", "--allow-network 10.20.0.0/16"),
                ("https://169.254.169.254/token", "metadata service"),
                ("https://a.example:22/token", "another service than HTTPS"),
                ("https://[64:ff9b::a00:1]/token", "stands for an IPv4 address"),
            ] {
                let output = try await bench.expect(
                    words + ["--token-url", url] + bench.keyOptions, status: 78)
                #expect(output.errors.contains("token_endpoint"), "\(output.errors)")
                #expect(output.errors.contains(said), "\(output.errors)")
            }
            try await bench.expect(
                words + ["--token-url", "https://10.20.0.5/token"]
                    + ["--allow-network", "10.20.0.0/16"] + bench.keyOptions)
        }
    }

    @Test func aProxyThatFailsIsNoWordOfTheProviders() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.expect(
                ["app", "add", "demo", "--replace", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret"]
                    + ["--redirect-uri", bench.redirectURI]
                    + ["--authorize-url", "https://login.example.com/authorize"]
                    + ["--token-url", "https://login.example.com/token"] + bench.keyOptions)
            let proxy = try ["--proxy", "http://127.0.0.1:\(freePort())"]
            let output = try await bench.expect(
                ["refresh", "anna"] + proxy + bench.keyOptions, status: 69)
            #expect(output.errors.contains("the proxy cannot be reached"), "\(output.errors)")
            #expect(output.errors.contains("proxyFailed"), "\(output.errors)")
            let status = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(status.text.contains("the proxy: curl 7"), "\(status.text)")
            #expect(status.text.contains("the proxy cannot be reached"), "\(status.text)")
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.contains("the proxy: curl 7"), "\(log.text)")
        }
    }
}

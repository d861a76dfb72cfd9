// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

/// That the right reason is told at once: by the command itself, and by the next one.
struct ReasonTests {
    @Test func aSecondServeNamesTheFirst() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let serve = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await serve.line { $0 == "ready" }
            let second = try await bench.expect(["serve"] + bench.keyOptions, status: 75)
            #expect(second.errors.contains("process \(serve.identifier) serves this vault already"))
            serve.terminate()
            _ = await serve.end()
        }
    }

    @Test func whoeverHasTheVaultOpenIsNamed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let owner = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            _ = try await owner.line { $0.hasPrefix("http") }
            let other = try await bench.expect(["list"] + bench.keyOptions, status: 75)
            #expect(other.errors.contains("process \(owner.identifier) has this vault open"))
            try owner.type("nothing\n")
            #expect(await owner.end().status == 65)
        }
    }

    @Test func whatTheCommandLineLacksIsNamed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let verb = try await bench.expect(["tokn", "anna"] + bench.keyOptions, status: 64)
            #expect(verb.errors.contains("did you mean `token`?"))
            let descriptor = try await bench.expect(["list", "--key-fd", "99"], status: 64)
            #expect(descriptor.errors.contains("descriptor 99 of --key-fd is not open"))
            let folder = try await bench.expect(
                ["init", "--vault", "missing/v", "--key-file", "w.key", "--generate-key"],
                status: 66)
            #expect(folder.errors.contains("there is no folder missing"))
            #expect(
                !FileManager.default.fileExists(
                    atPath: bench.folder.appending(path: "w.key").path))
            let empty = try await bench.expect(["token", ""] + bench.keyOptions, status: 64)
            #expect(empty.errors.contains("the connection's id is empty"))
            let log = try await bench.expect(["log", "demo"] + bench.keyOptions, status: 66)
            #expect(log.errors.contains("`tokenvault log --app demo`"))
        }
    }

    @Test func whatCanNeverWorkIsRefusedWhenItIsSaid() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let add = ["app", "add", "x", "--public", "--client-id", "x", "--redirect-uri"]
            let key = ["--key-file", "v.key"]
            try bench.write(
                "x.yaml",
                """
                name: x
                authorization_endpoint: https://a/authorize
                token_endpoint: http://a/token
                """)
            let place = try await bench.expect(
                add + ["https://x/", "--provider", "x.yaml"] + key, status: 78)
            #expect(place.errors.contains("x.yaml:3: token_endpoint is not https"))
            let endpoints = ["--authorize-url", "https://a/", "--token-url", "https://a/"]
            let plain = try await bench.expect(add + ["http://x/"] + endpoints + key, status: 64)
            #expect(plain.errors.contains("--redirect-uri: the redirect URI is http on a host"))
            let twice = try await bench.expect(
                add + ["https://x/", "--authorize-url", "https://a/?prompt=a&prompt=b"]
                    + ["--token-url", "https://a/"] + key, status: 64)
            #expect(twice.errors.contains("\"prompt\" in its query is there twice"))
            for scope in ["", "a\nb"] {
                try await bench.expect(
                    ["connect", "anna", "--app", "demo", "--paste", "--scope", scope]
                        + bench.keyOptions, status: 64)
            }
            let many = [String](repeating: "--scope=a", count: 65)
            let scopes = try await bench.expect(
                ["connect", "anna", "--app", "demo", "--paste"] + many + bench.keyOptions,
                status: 64)
            #expect(scopes.errors.contains("at most 64 scopes"))
        }
    }

    @Test func aFlowThatFailedIsWhyTheLightIsYellow() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let command = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            let url = try await command.line { $0.hasPrefix("http") }
            let state = try #require(
                URLComponents(string: url)?.queryItems?.first { $0.name == "state" }?.value)
            try command.type(bench.redirectURI + "?error=invalid_scope&state=\(state)\n")
            let output = await command.end()
            #expect(output.status == 78)
            #expect(output.errors.contains("does not know one of the scopes"))
            let status = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(status.text.contains("connectFailed (invalid_scope)"))
            #expect(status.text.contains("does not know one of the scopes"))
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.hasSuffix("connectFailed  invalid_scope\n"))
            try await bench.connect("anna")
            let connected = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(!connected.text.contains("reason"))
        }
    }

    @Test func aTokenThatLivesShorterIsNoEndOfTheGrant() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let output = try await bench.expect(
                ["token", "anna", "--min-ttl", "86400"] + bench.keyOptions, status: 64)
            #expect(output.errors.contains("--min-ttl asks for more than the provider gives"))
        }
    }

    @Test func aFileOfTheVaultIsNamed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let lock = bench.folder.appending(path: "v/LOCK").path
            try FileManager.default.removeItem(atPath: lock)
            let missing = try await bench.expect(["list"] + bench.keyOptions, status: 65)
            #expect(missing.errors.contains("LOCK is missing beside the vault's other files"))
            try bench.write("v/LOCK", "", mode: 0o640)
            let open = try await bench.expect(["list"] + bench.keyOptions, status: 77)
            #expect(open.errors.contains("the vault's LOCK has mode 0640"))
            try bench.write("v/LOCK", "")
            try await bench.expect(["list"] + bench.keyOptions)
            let phrase = try await bench.expect(
                ["list", "--passphrase-fd", "0"], status: 77, input: "correct horse\n")
            #expect(phrase.errors.contains("was made with a key, not a passphrase"))
        }
    }

    @Test func aCodeThatWasSentIsUsedUp() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for fault in [
                ProviderSimulator.Fault.closedWithoutReply, .status(503, retryAfter: nil),
            ] {
                bench.simulator.set(fault: fault)
                let command = try bench.start(
                    ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions,
                    input: .open)
                let url = try await command.line { $0.hasPrefix("http") }
                try command.type(bench.simulator.approve(url) + "\n")
                let output = await command.end()
                #expect(output.status == 69 && output.errors.contains("run connect again"))
                #expect(!output.errors.contains("try later"))
            }
        }
    }

    @Test func whatNobodyRefreshesIsSaidInTime() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let alone = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(alone.text.contains("nothing is refreshed while none runs"))
            let serve = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await serve.line { $0 == "ready" }
            let served = try await bench.expect(["status", "anna"])
            #expect(!served.text.contains("next step"))
            serve.terminate()
            _ = await serve.end()
        }
    }

    @Test func aTokenOfWhichNobodyKnowsTheEndIsWarnedOf() async throws {
        try await Workbench.run {
            $0.exchange = .init(
                grantType: "fb_exchange_token", parameter: "fb_exchange_token",
                lifetime: .seconds(60))
            $0.expiryStyle = .absent
        } _: { bench in
            try await bench.prepare()
            let command = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            let url = try await command.line { $0.hasPrefix("http") }
            try command.type(bench.simulator.approve(url) + "\n")
            let output = await command.end()
            #expect(output.status == 0)
            #expect(output.errors.contains("does not say when the access token expires"))
        }
    }

    @Test func wordsAreExact() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let add =
                ["app", "add", "demo", "--provider", "demo.yaml", "--client-id", "demo"]
                + ["--client-secret-file", "client.secret", "--scope", "read"] + bench.keyOptions
            let replaced = try await bench.expect(
                add + ["--replace", "--redirect-uri", bench.redirectURI])
            #expect(replaced.text == "application demo replaced\n")
            let uri = try await bench.expect(
                add + ["--replace", "--redirect-uri", "127.0.0.1/cb"], status: 64)
            #expect(uri.errors.contains("--redirect-uri: the redirect URI is not absolute"))
            let wait = try await bench.expect(["disconnect", "anna", "--wait", "-3"], status: 64)
            #expect(wait.errors.contains("--wait is a number of seconds, 0 to 86400"))
        }
    }
}

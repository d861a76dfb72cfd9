// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

/// What the command refuses, with which status, and what it says then.
struct RefusalTests {
    @Test(
        "A secret in an argument is refused before anything else is looked at",
        arguments: [
            ["app", "add", "demo", "--client-secret", Workbench.clientSecret],
            ["app", "add", "demo", "--client-secret=" + Workbench.clientSecret],
            ["list", "--passphrase=" + Workbench.clientSecret],
            ["token", "anna", "--key", Workbench.clientSecret],
        ])
    func secretsInArguments(arguments: [String]) async throws {
        try await Workbench.run { bench in
            let output = try await bench.expect(arguments, status: 64)
            #expect(output.errors.contains("is refused: other users and the shell's history"))
        }
    }

    @Test func aVaultIsNeverOverwritten() async throws {
        try await Workbench.run { bench in
            try await bench.expect(["init", "--key-file", "no.key"], status: 66)
            try await bench.expect(["init"], status: 64)
            try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
            let attributes = try FileManager.default.attributesOfItem(
                atPath: bench.folder.appending(path: "v.key").path)
            #expect(attributes[.posixPermissions] as? Int == 0o400)
            #expect(attributes[.size] as? Int == 32)
            try await bench.expect(["init", "--key-file", "v.key"], status: 73)
            try await bench.expect(
                ["init", "--vault", "w", "--key-file", "v.key", "--generate-key"], status: 73)
            try await bench.expect(["list", "--key-file", "v.key"])
        }
    }

    @Test func aWrongKeyOpensNothing() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let wrong = String(repeating: "wrong ke", count: 4)
            try bench.write("wrong.key", wrong)
            let output = try await bench.expect(["list", "--key-file", "wrong.key"], status: 77)
            #expect(output.errors.contains("this key does not open this vault"))
            try bench.write("wrong.key", wrong, mode: 0o644)
            try await bench.expect(["list", "--key-file", "wrong.key"], status: 77)
            try await bench.expect(["list", "--key-fd", "0"], status: 77, input: wrong)
            try await bench.expect(["list"], status: 64)
            try await bench.expect(["list", "--key-file", "a", "--key-fd", "0"], status: 64)
            try await bench.expect(["list", "--vault", "none", "--key-file", "v.key"], status: 66)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aPipeIsNotWaitedFor() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let pipe = bench.folder.appending(path: "pipe").path
            try #require(unsafe mkfifo(pipe, 0o600) == 0)
            for arguments in [
                ["init", "--vault", "w", "--key-file", "pipe"], ["list", "--key-file", "pipe"],
                ["list", "--ca-file", "pipe"] + bench.keyOptions,
            ] {
                let output = try await bench.expect(arguments, status: 65)
                #expect(output.errors.contains("pipe is no regular file"))
            }
            try await bench.expect(["list", "--key-file", "none.key"], status: 66)
            try await bench.expect(["list", "--ca-file", "none"] + bench.keyOptions, status: 66)
        }
    }

    @Test func othersMustNotReachTheVaultOrItsSecrets() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try bench.write("open.secret", Workbench.clientSecret, mode: 0o644)
            let output = try await bench.expect(
                ["app", "add", "x", "--provider", "demo.yaml", "--client-id", "x"]
                    + ["--client-secret-file", "open.secret", "--redirect-uri", "https://x/"]
                    + bench.keyOptions, status: 77)
            #expect(output.errors.contains("chmod 600"))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755],
                ofItemAtPath: bench.folder.appending(path: "v").path)
            try await bench.expect(["list"] + bench.keyOptions, status: 77)
        }
    }

    @Test func aNameCanStandForThisMachineOnly() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let key = ["--key-file", "v.key", "--resolve"]
            for (words, said) in [
                (key + ["a.example:443:127.0.0.1"], "give --allow-loopback-http as well"),
                (key + ["a.example:443:192.0.2.1", "--allow-loopback-http"], "not this machine's"),
                (key + ["a.example:443", "--allow-loopback-http"], "is HOST:PORT:ADDRESS"),
            ] {
                let output = try await bench.expect(["list"] + words, status: 64)
                #expect(output.errors.contains("--resolve"))
                #expect(output.errors.contains(said), "\(output.errors)")
            }
            try await bench.expect(
                ["list"] + key + ["a.example:443:127.0.0.1", "--allow-loopback-http"])
        }
    }

    @Test func applicationsAreChecked() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let add = ["app", "add", "x", "--client-id", "x", "--redirect-uri", "https://x/"]
            let endpoints = ["--authorize-url", "https://a/", "--token-url", "https://a/"]
            let key = ["--key-file", "v.key"]
            try await bench.expect(add + ["--public"] + key, status: 64)
            try await bench.expect(add + endpoints + key, status: 64)
            let magic = try await bench.expect(
                add + endpoints + ["--auth", "magic", "--public"] + key, status: 64)
            let methods =
                "basic, basic_raw, post, none, secret_as_user, bearer or "
                + "private_key_jwt"
            #expect(magic.errors.contains("\"magic\" is not \(methods)"))
            let nowhere = try await bench.expect(
                add + ["--authorize-url", "https://a/", "--token-url", "a", "--public"] + key,
                status: 64)
            #expect(nowhere.errors.contains("token_endpoint: \"a\" is not an absolute URL"))
            try await bench.expect(
                add + ["--authorize-url", "http://a/", "--token-url", "https://a/", "--public"]
                    + key, status: 78)
            try bench.write("bad.yaml", "name: x\ncolour: red\n")
            let output = try await bench.expect(
                add + ["--provider", "bad.yaml", "--public"] + key, status: 65)
            #expect(output.errors.contains("bad.yaml:2: unknown key \"colour\""))
            try await bench.expect(
                add + ["--provider", "none.yaml", "--public"] + key, status: 66)
            try await bench.expect(add + endpoints + ["--public"] + key)
            try bench.write(
                "exchange.yaml",
                """
                name: exchange
                authorization_endpoint: https://a/
                token_endpoint: https://a/
                grant_lost_errors: ["190"]
                access_tokens_expire: false
                refresh_grant: { grant_type: fb_exchange_token, parameter: fb_token }
                authorization_parameters: { zebra: z, apple: a }
                grant_lost_answers: [{ status: 400, error: none }]
                """)
            try await bench.expect(
                add + ["--provider", "exchange.yaml", "--public", "--replace"] + key)
            let apps = try await bench.expect(["app", "list", "--json"] + key)
            let kept = try apps.objects().first { $0["id"] as? String == "x" }
            let provider = try #require(kept?["provider"] as? [String: Any])
            #expect(provider["grant_lost_errors"] as? [String] == ["190"])
            #expect(provider["access_tokens_expire"] as? Bool == false)
            #expect(
                provider["refresh_grant"] as? [String: String]
                    == ["grant_type": "fb_exchange_token", "parameter": "fb_token"])
            // What is listed is a definition.
            let json = try JSONSerialization.data(withJSONObject: provider)
            try bench.write("listed.json", String(decoding: json, as: UTF8.self))
            try await bench.expect(
                add + ["--provider", "listed.json", "--public", "--replace"] + key)
            let again = try await bench.expect(["app", "list", "--json"] + key)
            #expect(again.text == apps.text)
            // Its redirect URI is not of this machine.
            try await bench.expect(["connect", "anna", "--app", "x"] + key, status: 64)
            try await bench.expect(["connect", "anna", "--app", "none"] + key, status: 66)
        }
    }

    @Test func theProvidersFaultsHaveTheirStatus() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            bench.simulator.set(fault: .status(503, retryAfter: nil), replies: 1)
            try await bench.expect(["refresh", "anna"] + bench.keyOptions, status: 69)
            bench.simulator.set(fault: nil)
            // Another process says why, without asking.
            let delayed = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(delayed.text.contains("refreshDelayed (HTTP 503)"))
            // Nothing happens by itself once the command has ended.
            #expect(delayed.text.contains("nothing is refreshed while none runs"))
            try bench.write("client.secret", "another secret")
            try await bench.expect(
                ["app", "add", "demo", "--provider", "demo.yaml", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret", "--replace"]
                    + ["--redirect-uri", bench.redirectURI] + bench.keyOptions)
            try await bench.expect(["refresh", "anna"] + bench.keyOptions, status: 78)
            let rejected = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(rejected.text.hasPrefix("red"))
            #expect(rejected.text.contains("applicationRejected (HTTP 401, invalid_client)"))
            for log in [["anna"], ["--app", "demo"]] {
                let entries = try await bench.expect(["log"] + log + bench.keyOptions)
                #expect(entries.text.hasSuffix("applicationRejected  HTTP 401, invalid_client\n"))
            }
            // For a minute the application is not asked for again.
            let requests = bench.simulator.counters.tokenRequests
            let told = try await bench.expect(["refresh", "anna"] + bench.keyOptions, status: 78)
            #expect(bench.simulator.counters.tokenRequests == requests)
            #expect(told.errors.contains("nothing was sent"))
            #expect(told.errors.contains("HTTP 401, invalid_client"))
            #expect(told.errors.contains("`tokenvault retry --app demo` asks again at once"))
            // Unless an operator says so.
            try await bench.expect(["retry", "--app", "demo"] + bench.keyOptions, status: 78)
            #expect(bench.simulator.counters.tokenRequests > requests)
        }
    }

    @Test func anApplicationThatIsGoneIsNamed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let serve = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await serve.line { $0 == "ready" }
            let removed = try await bench.expect(["app", "remove", "demo"])
            #expect(removed.text.contains("1 connection is left; without the application"))
            #expect(removed.text.contains("cannot revoke them at the provider"))
            for _ in 0..<2 {
                let told = try await bench.expect(["refresh", "anna"], status: 66)
                #expect(told.errors.contains("the application demo that it was connected through"))
                #expect(told.errors.contains("`tokenvault app add demo`"))
            }
            serve.terminate()
            _ = await serve.end()
            let log = try await bench.expect(
                ["log", "--app", "nope"] + bench.keyOptions, status: 66)
            #expect(log.errors.contains("there is no such application"))
        }
    }

    @Test func anEndpointThatIsGoneIsNoLostGrant() async throws {
        try await Workbench.run {
            $0.accessLifetime = .seconds(1)
        } _: { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            bench.simulator.set(fault: .status(404, retryAfter: nil), replies: nil)
            try await Task.sleep(for: .seconds(1.2))
            for _ in 0..<2 {
                let told = try await bench.expect(["token", "anna"] + bench.keyOptions, status: 78)
                #expect(told.errors.contains("there is no token endpoint at the address"))
            }
            let status = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(status.text.hasPrefix("red"))
            #expect(status.text.contains("there is no token endpoint at the address"))
            #expect(!status.text.contains("tokenvault connect"))
        }
    }

    @Test func idsCannotPaintTheTerminal() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let output = try await bench.expect(
                ["status", "\u{202e}anna\u{feff}"] + bench.keyOptions, status: 66)
            #expect(output.errors.contains("\\u{202e}anna\\u{feff}: there is no such connection"))
            let unknown = try await bench.expect(["\u{1b}[31mlist"], status: 64)
            #expect(!unknown.errors.contains("\u{1b}"))
            try await bench.connect("a\u{202e}b")
            let list = try await bench.expect(["list", "--json"] + bench.keyOptions)
            #expect(list.text.contains(#""id":"a\u202eb""#))
            #expect(try list.objects().first?["id"] as? String == "a\u{202e}b")
        }
    }

    @Test func noSecretIsVisibleInTheProcess() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let command = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            let url = try await command.line { $0.hasPrefix("http") }
            let callback = try bench.simulator.approve(url)
            let code = try #require(
                URLComponents(string: callback)?.queryItems?
                    .first { $0.name == "code" }?.value)
            let key = try Data(contentsOf: bench.folder.appending(path: "v.key"))
            for name in ["cmdline", "environ"] {
                // What cannot be read shows nothing either.
                let path = URL(filePath: "/proc/\(command.identifier)/\(name)")
                let bytes = (try? Data(contentsOf: path)) ?? Data()
                for secret in [Data(Workbench.clientSecret.utf8), Data(code.utf8), key] {
                    #expect(bytes.range(of: secret) == nil)
                }
                #expect(name == "environ" || bytes.range(of: Data("connect".utf8)) != nil)
            }
            try command.type(callback + "\n")
            #expect(await command.end().status == 0)
        }
    }

    @Test func helpNamesEveryStatusAndShowsExamples() async throws {
        try await Workbench.run { bench in
            let help = try await bench.expect(["--help"])
            for status in [0, 64, 65, 66, 69, 70, 73, 74, 75, 77, 78, 79] {
                #expect(help.text.contains("\n  \(status) "))
            }
            let commands = [
                ["init"], ["app"], ["app", "add"], ["app", "list"], ["app", "remove"], ["connect"],
                ["list"], ["status"], ["token"], ["refresh"], ["retry"], ["disconnect"], ["log"],
                ["serve"], ["audit"],
            ]
            for command in commands {
                let text = try await bench.expect(command + ["--help"]).text
                #expect(text.contains("EXAMPLES\n  "), "\(command)")
                let isTooWide = text.split(separator: "\n").contains {
                    $0.count > 80 && !$0.hasPrefix("USAGE")
                }
                #expect(!isTooWide, "\(command)")
            }
            let text = try await bench.expect(["app", "add", "--help"]).text
            for setting in ProviderSetting.all {
                #expect(text.contains("\n  \(setting.key): "), "\(setting.key)")
            }
        }
    }
}

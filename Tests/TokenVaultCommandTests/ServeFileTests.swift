// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import TokenVault

@testable import TokenVaultCommand

/// The file of `serve --config`.
struct ServeFileTests {
    /// The settings of a text, in a file of its own.
    private func settings(_ text: String) throws -> ServeSettings {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yaml")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try ServeFile(file.path).checked()
    }

    static var table: String {
        let rows = ServeSetting.all.map { row in
            "| `\(row.key)` | \(row.words) | \(row.defaultWords) | \(row.sentence) |"
        }
        return (["| setting | takes | default | what it says |", "|---|---|---|---|"] + rows)
            .joined(separator: "\n")
    }

    @Test func theTableIsTheRows() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/TokenVault/TokenVault.docc/Operations.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let found = text.split(separator: "\n\n").first { $0.hasPrefix("| setting |") }
        #expect(found.map(String.init) == Self.table, "the page must have:\n\(Self.table)")
        #expect(Set(ServeSetting.all.map(\.key)).count == ServeSetting.all.count)
    }

    /// What `serve` takes as an option is a setting, but where the key comes from a person or from
    /// a descriptor.
    @Test func everyOptionOfServeIsASetting() async throws {
        try await Workbench.run { bench in
            let help = try await bench.expect(["serve", "--help"]).text
            let options = Set(
                help.matches(of: /^  --([a-z0-9-]+)/.anchorsMatchLineEndings()).map {
                    String($0.output.1)
                })
            #expect(options.count > 15)
            let others: Set = [
                "config", "key-fd", "passphrase-fd", "passphrase", "passphrase-opslimit",
                "passphrase-memlimit", "version", "help",
            ]
            for option in options.subtracting(others) {
                #expect(ServeSetting[option.replacing("-", with: "_")] != nil, "--\(option)")
            }
        }
    }

    @Test func theFileThatIsShownSaysTheDefaults() async throws {
        try await Workbench.run { bench in
            let shown = try await bench.expect(["config", "show"])
            try bench.write("serve.yaml", shown.text)
            let checked = try await bench.expect(["config", "check", "serve.yaml"])
            #expect(checked.text == "serve.yaml: good\n")
            let settings = try settings(shown.text)
            let usual = ServeSettings()
            for row in ServeSetting.all {
                #expect(shown.text.contains("\n\(row.lines[0])"))
            }
            #expect(settings.drainSeconds == 60 && usual.drainSeconds == 60)
            #expect(settings.front.hosts == usual.front.hosts)
            #expect(Vault.Settings().endNotice == .seconds(usual.endNoticeDays * 86_400))
            #expect(settings.endNoticeDays == usual.endNoticeDays && !settings.logsRefreshes)
            // What stands there as an example could be meant.
            let lines = shown.text.split(separator: "\n").map { line in
                line.hasPrefix("#") && (!line.hasPrefix("# ") || line.hasPrefix("#  "))
                    ? line.dropFirst() : line
            }
            let all = try self.settings(lines.joined(separator: "\n"))
            #expect(
                all.front.hosts.all == [
                    "oauth2.example.com", "oauth2.us-gov-west-1.example.com",
                    "oauth2.eu-west-1.example.com", "oauth2.eu-west-2.example.com",
                    "oauth2.ca-central-1.example.com", "oauth2.ap-southeast-2.example.com",
                    "login.customer.example",
                ])
            #expect(all.network.allowedNetworks == ["10.20.0.0/16"])
            #expect(all.front.listen?.text == "127.0.0.1:8080")
            #expect(all.keyFile == "/etc/tokenvault/root.key")
        }
    }

    /// The faults of a file, each as it is told, without its name.
    private func faults(_ bench: Workbench, _ text: String) async throws -> [String] {
        try bench.write("serve.yaml", text)
        let output = try await bench.expect(["config", "check", "serve.yaml"], status: 78)
        #expect(output.text.isEmpty)
        return output.errors.split(separator: "\n").map { line in
            let start = "tokenvault: serve.yaml:"
            #expect(line.hasPrefix(start), "\(line)")
            return String(line.dropFirst(start.count))
        }
    }

    @Test func everythingThatIsWrongIsToldAtOnce() async throws {
        try await Workbench.run { bench in
            let found = try await faults(
                bench,
                """
                listn: 127.0.0.1:8080
                drain: 4000
                root_key: hunter2
                read_unverified: perhaps
                public_url: http://connect.example.com
                hosts:
                  domain: Example.com
                  regions: [us, eu-north-1]
                  region: us
                success_redirects: [https://a.example/ok, https://a.example/ok?x=1]
                allow_network: [10.20.0.1/16]
                listen: 8080
                """)
            let expected = [
                "1: unknown key \"listn\": did you mean listen?",
                "2: drain: \"4000\" is not a number of seconds, 0 to 3600",
                "3: root_key is refused: a secret is never in this file",
                "4: read_unverified: \"perhaps\" is not true or false",
                "5: public_url: \"http://connect.example.com\" is not https:// and a host",
                "7: hosts.domain: \"Example.com\" is not a host name in small letters",
                "8: hosts.regions: \"eu-north-1\" is not one of us, us-gov-west-1",
                "9: hosts.region: \"us\" is of no member that hosts has",
                "10: success_redirects: \"https://a.example/ok?x=1\" is not an absolute",
                "11: allow_network: \"10.20.0.1/16\" is not a private network",
                "12: listen: \"8080\" is not an address and a port",
            ]
            try #require(found.count == expected.count, "\(found)")
            for (line, start) in zip(found, expected) { #expect(line.hasPrefix(start)) }
            #expect(!found.joined().contains("hunter2"))
        }
    }

    @Test func whatDoesNotGoTogetherIsTold() async throws {
        try await Workbench.run { bench in
            for (text, expected) in [
                ("public_url: https://a.example", "1: public_url needs listen"),
                ("hosts: { domain: a.example, regions: [us] }", "1: hosts needs listen"),
                (
                    "hosts: { regions: [us] }",
                    "1: hosts: { regions: ... } has regions and no domain"
                ),
                ("hosts: { domain: a.example }", "has a domain and no regions"),
                (
                    "hosts: { domain: a.b, regions: [us], custom_domains: [oauth2.a.b] }",
                    "names a host twice"
                ),
                (
                    "listen: 127.0.0.1:80\npublic_url: https://a.example:443\n"
                        + "hosts: { custom_domains: [a.example] }",
                    "2: public_url is one of hosts already"
                ),
                ("listen: 0.0.0.0:80", "1: listen is not an address of this machine alone"),
                ("back_label: Back", "1: back_label needs back_url"),
                ("resolve: [\"a.example:443:127.0.0.1\"]", "1: resolve is for practice servers"),
                ("drain: 1\ndrain: 2", "the same key twice: drain"),
                ("drain: [", "did not find expected node content"),
                ("- drain", "1: not a list of keys and values"),
            ] {
                let found = try await faults(bench, text)
                #expect(found.count == 1 && found[0].contains(expected), "\(text): \(found)")
            }
        }
    }

    @Test func whatItNamesIsLookedAt() async throws {
        try await Workbench.run { bench in
            try bench.write("open.key", String(repeating: "x", count: 32), mode: 0o644)
            try bench.write("large.svg", String(repeating: "x", count: 262_145))
            let found = try await faults(
                bench,
                """
                vault: nowhere
                key_file: open.key
                logo: large.svg
                ca_file: missing.pem
                """)
            let expected = [
                "1: vault: there is no vault", "2: key_file: the key file ./open.key has mode 0644",
                "3: logo: large.svg has 262145 bytes", "4: ca_file: cannot open missing.pem",
            ]
            try #require(found.count == expected.count, "\(found)")
            for (line, start) in zip(found, expected) {
                #expect(line.hasPrefix(start.replacing("./", with: "")), "\(line)")
            }
            try bench.write("serve.yaml", "drain: 1\n", mode: 0o666)
            let writable = try await bench.expect(["config", "check", "serve.yaml"], status: 78)
            #expect(writable.errors.contains("everybody may write it"))
            try await bench.expect(["config", "check", "missing.yaml"], status: 66)
        }
    }

    /// The file says where the vault and its key are, from the folder that it lies in.
    @Test func servesByItsFileAndOptionsWin() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try FileManager.default.createDirectory(
                at: bench.folder.appending(path: "etc"), withIntermediateDirectories: true)
            try bench.write(
                "etc/serve.yaml",
                """
                vault: ../v
                key_file: ../v.key
                allow_loopback_http: true
                listen: 127.0.0.1:\(bench.port)
                drain: 1
                """)
            try await bench.expect(["config", "check", "etc/serve.yaml"])
            let elsewhere = try freePort()
            for (options, port) in [
                ([], bench.port), (["--listen", "127.0.0.1:\(elsewhere)"], elsewhere),
            ] {
                let server = try bench.start(
                    ["serve", "--config", "etc/serve.yaml"] + options, input: .open,
                    environment: ["TOKENVAULT_PATH": "nowhere"])
                _ = try await server.line { $0 == "ready" }
                let health = try Running(
                    ["curl", "-s", "http://127.0.0.1:\(port)/health"], in: bench.folder,
                    input: .text(""), environment: [:])
                #expect(await health.end().text == "ok\n")
                // The loopback of the practice provider is allowed.
                if options.isEmpty { try await bench.connect("anna", options: []) }
                server.terminate()
                let output = await server.end()
                #expect(output.status == 0 && output.text == "ready\n", "\(output.errors)")
            }
            try bench.write("etc/serve.yaml", "vault: ../v\ndrain: soon\nlisten: x\n")
            let refused = try await bench.expect(
                ["serve", "--config", "etc/serve.yaml"], status: 78)
            #expect(refused.text.isEmpty)
            #expect(refused.errors.split(separator: "\n").count == 2, "\(refused.errors)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

@testable import TokenVaultCommand

/// What a shell, a clipboard and an editor make of what people mean.
struct ShellTests {
    private func query(of address: String) throws -> String {
        let bytes = Array(address.utf8)
        let query = try PastedAddress.query(of: unsafe Secret(copying: bytes.span.bytes))
        return unsafe query.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "What stands around a pasted address is no part of it",
        arguments: [
            "http://a/?q=1&r=2", " http://a/?q=1&r=2 ", "\"http://a/?q=1&r=2\"",
            "\t'http://a/?q=1&r=2'\r\n", "<http://a/?q=1&r=2>", "“http://a/?q=1&r=2”",
            "\u{feff}http://a/?q=1&r=2#fragment", "  \" http://a/?q=1&r=2 \" ",
        ])
    func pasted(address: String) throws {
        #expect(try query(of: address) == "q=1&r=2")
    }

    @Test(
        "What has no query is refused", arguments: ["", " ", "\"\"", "http://a/", "http://a/?"])
    func pastedWithoutQuery(address: String) throws {
        let address = address.isEmpty ? "\n" : address
        #expect(throws: CommandFailure.self) { _ = try query(of: address) }
    }

    @Test func anIDThatIsNoTextIsRefused() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let script = #"exec "$0" status "$(printf 'a\377')" --key-file v.key"#
            let command = try bench.start([], input: .text(""), through: ["sh", "-c", script])
            let output = await command.end()
            #expect(output.status == 64)
            #expect(output.errors.contains("argument 2 is not UTF-8"))
        }
    }

    @Test func withoutArgumentsOfTheSystemThereIsAnError() {
        #expect(CommandArguments.missing.status == .internalFault)
        #expect(CommandArguments.missing.message.contains("/proc"))
    }

    @Test func whatIsClosedIsNotTheVaultsFiles() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            // What is printed must not reach a file of the vault's.
            let script = #"exec "$0" list --key-file v.key <&- >&- 2>&-"#
            let command = try bench.start([], input: .text(""), through: ["sh", "-c", script])
            #expect(await command.end().status == 0)
            try await bench.expect(["list"] + bench.keyOptions)
        }
    }

    @Test func aDefinitionMayBeginWithAMark() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let path = bench.folder.appending(path: "demo.yaml")
            let text = try String(contentsOf: path, encoding: .utf8)
            try bench.write("marked.yaml", "\u{feff}" + text)
            try await bench.expect(
                ["app", "add", "marked", "--provider", "marked.yaml", "--client-id", "demo"]
                    + ["--public", "--redirect-uri", bench.redirectURI] + bench.keyOptions)
        }
    }
}

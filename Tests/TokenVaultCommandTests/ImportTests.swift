// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// `tokenvault import` and `tokenvault export`, as people run them.
struct ImportTests {
    private func line(_ number: Int, _ more: String = "") -> String {
        #"{"id":"c\#(number)","application":"demo","access_token":"tvmark-a\#(number)","#
            + #""refresh_token":"tvmark-r\#(number)","expires_at":"2036-01-01T00:00:00Z"\#(more)}"#
    }

    @Test func linesAreCountedAndRefusedByNumber() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try bench.write(
                "lines.jsonl",
                """
                \(line(1))
                \(line(2, #","expires":1"#))

                \(line(1))
                \(line(3).replacing("demo", with: "other"))
                \(line(4))
                """)
            let command = ["import", "lines.jsonl"] + bench.keyOptions
            let first = try await bench.expect(command + ["--report", "report.txt"], status: 65)
            #expect(first.text == "imported: 2\nalready there: 0\nrefused: 3\n")
            let report = try String(
                contentsOf: bench.folder.appending(path: "report.txt"), encoding: .utf8)
            for text in [
                "line 2: expires is none that a line has", "line 4: id is the same as",
                "line 5: ",
            ] {
                #expect(report.contains(text), "\(report)")
                #expect(first.errors.contains(text), "\(first.errors)")
            }
            #expect(first.errors.contains("erase it"))
            let again = try await bench.expect(command, status: 65)
            #expect(again.text == "imported: 0\nalready there: 2\nrefused: 3\n")
            let piped = try await bench.expect(
                ["import", "-"] + bench.keyOptions, input: line(5) + "\n" + line(6))
            #expect(piped.text.hasPrefix("imported: 2\n"), "\(piped.text)")
            try bench.write("open.jsonl", line(7), mode: 0o644)
            let open = try await bench.expect(
                ["import", "open.jsonl"] + bench.keyOptions, status: 77)
            #expect(open.errors.contains("chmod 600"), "\(open.errors)")
        }
    }

    @Test func aServedVaultIsFedAndARefreshedConnectionIsLeft() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            var text = ""
            for number in 0..<2000 { text += line(number) + "\n" }
            text +=
                #"{"id":"anna","application":"demo","access_token":"tvmark-old","#
                + #""refresh_token":"tvmark-older"}"#
            try bench.write("lines.jsonl", text)
            try await bench.serving { _ in
                let token = try await bench.run(["token", "anna"], showsToken: true)
                let output = try await bench.expect(["import", "lines.jsonl"])
                #expect(
                    output.text == "imported: 2000\nalready there: 0\n"
                        + "there with other tokens, left as they are: 1\nrefused: 0\n",
                    "\(output.errors)")
                #expect(output.errors.contains("line 2001: left as it is"))
                let after = try await bench.run(["token", "anna"], showsToken: true)
                #expect(after.text == token.text)
                let status = try await bench.expect(["status", "c1999", "--json"])
                #expect(status.text.contains("\"next_refresh\""), "\(status.text)")
            }
        }
    }

    @Test func whatWasKilledGoesOn() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            var text = ""
            for number in 0..<6000 { text += line(number) + "\n" }
            try bench.write("lines.jsonl", text)
            let command = ["import", "lines.jsonl"] + bench.keyOptions
            let first = try bench.start(command, input: .text(""))
            _ = try await first.line(ofErrors: true) { $0 == "importing" }
            try await Task.sleep(for: .milliseconds(150))
            first.signal(SIGKILL)
            #expect(await first.end().status != 0)
            let second = try await bench.expect(command)
            let counts = second.text.split(separator: "\n").compactMap {
                Int($0.split(separator: " ").last ?? "")
            }
            #expect(counts.count == 3 && counts[0] + counts[1] == 6000 && counts[2] == 0)
            #expect(counts[0] > 0, "it had ended before it was killed")
            let third = try await bench.expect(command)
            #expect(third.text == "imported: 0\nalready there: 6000\nrefused: 0\n")
        }
    }

    @Test func anExportMovesAVault() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try bench.write("moved.pass", "correct horse battery\n")
            let made = try await bench.expect(
                ["export", "moved.tkx", "--passphrase-file", "moved.pass"] + bench.keyOptions)
            #expect(made.text == "exported: 1\n")
            try await bench.expect(
                ["export", "moved.tkx", "--passphrase-file", "moved.pass"] + bench.keyOptions,
                status: 73)
            let keys = try await bench.expect(["export", "--keygen", "mine.private"])
            let recipient = try #require(keys.text.split(separator: "\n").first)
            try await bench.expect(
                ["export", "key.tkx", "--recipient", String(recipient), "--app", "demo"]
                    + bench.keyOptions)
            try await bench.serving { _ in
                let served = try await bench.expect(
                    ["export", "no.tkx", "--passphrase-file", "moved.pass"], status: 75)
                #expect(served.errors.contains("end it first"), "\(served.errors)")
            }
            try bench.write("other.pass", "wrong horse battery\n")
            let wrong = try await bench.expect(
                ["import", "moved.tkx", "--passphrase-file", "other.pass"] + bench.keyOptions,
                status: 77)
            #expect(wrong.errors.contains("is not the one that"), "\(wrong.errors)")
            let before = try await bench.run(
                ["token", "anna"] + bench.keyOptions, showsToken: true)
            try FileManager.default.removeItem(at: bench.folder.appending(path: "v"))
            try FileManager.default.removeItem(at: bench.folder.appending(path: "v.key"))
            try await bench.prepare()
            for (file, key) in [
                ("moved.tkx", ["--passphrase-file", "moved.pass"]),
                ("key.tkx", ["--private-key-file", "mine.private"]),
            ] {
                let output = try await bench.expect(["import", file] + key + bench.keyOptions)
                #expect(output.text.hasSuffix("refused: 0\n"))
            }
            let after = try await bench.run(
                ["token", "anna"] + bench.keyOptions, showsToken: true)
            #expect(before.text == after.text && after.status == 0)
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
        }
    }
}

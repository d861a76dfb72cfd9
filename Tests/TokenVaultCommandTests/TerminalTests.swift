// SPDX-License-Identifier: Apache-2.0

import Testing

/// The command on a terminal: what it asks, what it hides, what it will not show.
struct TerminalTests {
    /// Runs its arguments on a terminal of their own and answers each prompt, given as a JSON list
    /// of pairs, once it stands there; prints what the terminal showed.
    private static let expect = """
        import json, os, pty, sys
        steps = json.loads(sys.argv[1])
        child, terminal = pty.fork()
        if child == 0:
            os.execvp(sys.argv[2], sys.argv[2:])
        shown = b""
        seen = 0
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
            while steps and steps[0][0].encode() in shown[seen:]:
                seen = len(shown)
                os.write(terminal, steps.pop(0)[1].encode())
        sys.stdout.buffer.write(shown)
        sys.stdout.flush()
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """

    private func terminal(
        _ bench: Workbench, _ arguments: [String], answers: String = "[]",
        environment: [String: String] = [:], showsToken: Bool = false
    ) async throws -> Running.Output {
        let command = try bench.start(
            arguments, input: .text(""),
            environment: ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 },
            through: ["python3", "-c", Self.expect, answers])
        return await command.end(showsToken: showsToken)
    }

    @Test func aTokenIsNotShownUnasked() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let refused = try await terminal(bench, ["token", "anna"] + bench.keyOptions)
            #expect(refused.status == 77)
            #expect(refused.text.contains("give --reveal"))
            let shown = try await terminal(
                bench, ["token", "anna", "--reveal"] + bench.keyOptions, showsToken: true)
            #expect(shown.status == 0)
            #expect(shown.text.hasPrefix(Workbench.marker))
        }
    }

    @Test func lightsHaveColoursUnlessRefused() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let status = ["status", "anna"] + bench.keyOptions
            let coloured = try await terminal(bench, status)
            #expect(coloured.text.hasPrefix("\u{1b}[33myellow\u{1b}[0m  anna"))
            let plain = try await terminal(bench, status, environment: ["NO_COLOR": "1"])
            #expect(plain.text.hasPrefix("yellow  anna"))
        }
    }

    @Test func passphrasesAreAskedForAndHidden() async throws {
        try await Workbench.run { bench in
            let initialise = ["init", "--passphrase"]
            let differing = #"[["Passphrase:", "open sesame\n"], ["again:", "open sesami\n"]]"#
            #expect(try await terminal(bench, initialise, answers: differing).status == 65)
            let interrupted = #"[["Passphrase:", "\u0003"]]"#
            #expect(try await terminal(bench, initialise, answers: interrupted).status == 75)
            // A backspace takes a whole character back.
            let same = #"[["Passphrase:", "open sesamé\u007fe\n"], ["again:", "open sesame\n"]]"#
            let made = try await terminal(bench, initialise, answers: same)
            #expect(made.status == 0, "\(made.text)")
            #expect(!made.text.contains("sesam"))
            try await bench.expect(["list", "--passphrase-fd", "0"], input: "open sesame\n")
            try await bench.expect(
                ["list", "--passphrase-fd", "0"], status: 77, input: "open sesami\n")
            try await bench.expect(["list", "--key-file", "v.key"], status: 66)
        }
    }

    @Test func aDisconnectIsConfirmed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let disconnect = ["disconnect", "anna"] + bench.keyOptions
            let kept = try await terminal(bench, disconnect, answers: #"[["[y/N]", "n\n"]]"#)
            #expect(kept.status == 75)
            let gone = try await terminal(bench, disconnect, answers: #"[["[y/N]", "y\n"]]"#)
            #expect(gone.status == 0)
            #expect(gone.text.contains("disconnected anna"))
            #expect(gone.text.contains("refresh token         revoked"))
        }
    }

    @Test func aPastedAddressIsNotShown() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let answers = #"[["(not shown): ", "http://127.0.0.1/?code=tvcode&state=tvstate\n"]]"#
            let output = try await terminal(
                bench, ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions,
                answers: answers)
            #expect(output.status == 65)
            #expect(!output.text.contains("tvcode"))
        }
    }
}

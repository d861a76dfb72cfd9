// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Prints for people, in aligned rows of at most 100 columns, and counts the checks.
///
/// Colours and redrawn lines appear on a terminal only.
final class Console {
    /// How many checks were made.
    private(set) var checks = 0
    /// How many of them did not hold.
    private(set) var failures = 0

    /// Whether the demo could not go on.
    private(set) var isAborted = false

    private let isTerminal: Bool
    private let hasColour: Bool
    private var steps = 0
    private var isMidLine = false
    private var drawnTenths = -1

    private static let labelColumns = 16

    init() {
        isTerminal = isatty(STDOUT_FILENO) == 1
        hasColour = unsafe isTerminal && getenv("NO_COLOR") == nil
    }

    /// The first line.
    func title(_ text: String) {
        write("\n" + styled(text, "1") + "\n\n")
    }

    /// The heading of the next step.
    func step(_ text: String) {
        steps += 1
        write("\n" + styled("\(steps)  \(text)", "1") + "\n")
    }

    /// Sentences, indented.
    func text(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            write(line.isEmpty ? "\n" : "   \(line)\n")
        }
    }

    func blank() { write("\n") }

    /// A name, its value, and what that means.
    func row(_ label: String, _ value: String, _ meaning: String = "") {
        let shown = meaning.isEmpty ? value : padded(value, 32) + meaning
        write("   \(padded(label, Self.labelColumns))\(shown)\n")
    }

    /// A status light, in its colour where there are colours, and whether it is the right one.
    func light(_ colour: String, expecting expected: String, _ meaning: String) {
        let codes = ["green": "32", "yellow": "33", "red": "31"]
        let name = styled(colour, codes[colour] ?? "0")
        let gap = String(repeating: " ", count: max(1, 32 - colour.count))
        write("   \(padded("status light", Self.labelColumns))\(name)\(gap)\(meaning)\n")
        guard colour != expected else { return checks += 1 }
        check(false, "the light is \(expected)", otherwise: "it is \(colour)")
    }

    /// A promise that held, or one that did not and why that matters.
    func check(_ holds: Bool, _ promise: String, otherwise explanation: @autoclosure () -> String) {
        checks += 1
        if holds {
            write("   \(styled("ok", "32"))              \(promise)\n")
        } else {
            failures += 1
            write("   \(styled("NOT SO", "31"))          \(promise)\n")
            write("                   \(explanation())\n")
        }
    }

    /// The demo cannot go on.
    func abort(_ reason: String) {
        isAborted = true
        endLine()
        write("\n   \(styled("stopped", "31"))         \(reason)\n")
    }

    /// A bar: one line that is redrawn on a terminal, a line every tenth elsewhere.
    func progress(_ done: Double, _ text: String) {
        let tenths = Int(done * 10)
        let columns = 20
        let filled = min(columns, Int(done * Double(columns)))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: ".", count: columns - filled)
        if isTerminal {
            write("\r   [\(bar)]  \(text)\u{1b}[K")
            isMidLine = true
            if done >= 1 { endLine() }
        } else if tenths >= drawnTenths + 2 || done >= 1 {
            drawnTenths = tenths
            write("   [\(bar)]  \(text)\n")
        }
    }

    /// Writes past any buffer, so that lines of the child processes stay in order.
    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func endLine() {
        if isMidLine { write("\n") }
        isMidLine = false
    }

    private func styled(_ text: String, _ code: String) -> String {
        hasColour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }

    private func padded(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(text.isEmpty ? 0 : 1, columns - text.count))
    }
}

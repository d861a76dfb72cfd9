// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
internal import Glibc
internal import TokenVault

/// One search for tokens by the residue scanner, a third process that shares no code with the
/// vault: in every mapping of this process, in every file of a directory, or in both.
struct ResidueScan {
    /// The scanner's report, as JSON; it names needles and places and holds no token.
    let report: String

    init(_ scanner: String, _ needles: Needles, memory: Bool, directory: String?) throws {
        var words = [scanner]
        if memory { words += ["--pid", "\(getpid())"] }
        if let directory { words += ["--directory", directory] }
        var process = try ChildProcess(words)
        // It opens our memory only once it has read its needles.
        tv_let_read_memory(process.id)
        unsafe process.send(needles.lines.span.bytes)
        process.closeInput()
        report = try process.readText()
        let status = process.wait()
        guard status == 0 || status == 1 else {
            throw DemoFailure(
                """
                the scan could not be finished (\(status)); its own words are above. Where they
                                   say "Permission denied", this system lets nobody but root read \
                another process
                                   (see /proc/sys/kernel/yama/ptrace_scope): run the demo as root.
                """)
        }
        guard number("needles") == needles.count else {
            throw DemoFailure("the scanner did not look for every token")
        }
    }

    /// How many copies of any needle it found.
    var copies: Int { number("copies") }
    /// How many copies of one needle it found.
    func copies(of needle: String) -> Int {
        report.ranges(of: "{\"needle\": \"\(needle)\"").count
    }
    /// How many mappings it read, and how many of them it could not.
    var regions: Int { number("regions") }
    /// How many places could not be read.
    var unreadable: Int { number("unreadable_count") }
    /// How many files it read.
    var files: Int { number("files") }
    /// How many bytes it read, for people.
    var amount: String {
        let bytes = number("bytes")
        return bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }

    /// The places where something was found, for people.
    var places: String {
        var places: [String] = []
        for hit in list("hits").split(separator: "}") {
            places.append(
                "\(text("needle", hit)) as \(text("form", hit)) in \(text("where", hit))")
        }
        return places.joined(separator: ", ")
    }
    /// The places that could not be read, and why.
    var unreadablePlaces: String { list("unreadable") }

    private func list(_ name: String) -> String {
        guard let start = report.firstRange(of: "\"\(name)\": [")?.upperBound else { return "" }
        return String(report[start...].prefix { $0 != "]" })
    }

    private func text(_ name: String, _ object: Substring) -> Substring {
        guard let range = object.firstRange(of: "\"\(name)\": \"") else { return "?" }
        return object[range.upperBound...].prefix { $0 != "\"" }
    }

    private func number(_ name: String) -> Int {
        guard let range = report.firstRange(of: "\"\(name)\": ") else { return -1 }
        return Int(report[range.upperBound...].prefix { $0.isNumber }) ?? -1
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import Logging
import Synchronization
import TokenVault

/// What `serve` writes down on stderr: what happens to connections, what browsers ask for, and what
/// an operator should know. A line is made of ids, codes, numbers and times: no token, no URL and
/// no text of a provider's reaches it. What a terminal or a log's reader might act upon, in an id
/// that somebody chose, is escaped.
///
/// Whoever has something to say never waits for whoever reads it: lines lie in a queue.
final class ServiceLog: Sendable {
    /// How a line is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json
    }

    /// How grave it is.
    enum Level: String {
        case info, warning, error
    }

    /// A value of a line.
    enum Value {
        case text(String)
        case number(Int64)
    }

    /// The most lines that wait to be written; further ones are dropped, and counted.
    private static let waitingMax = 8192
    /// How long the end waits for what lies in the queue, in milliseconds.
    private static let finishMilliseconds = 1000

    private let format: Format
    private let writer = DispatchQueue(label: "tokenvault.log")
    private let state = Mutex(State())

    private struct State {
        var waiting = 0
        var dropped: UInt64 = 0
        /// Dropped ones that no line has told of.
        var untold: UInt64 = 0
        var events: [String: UInt64] = [:]
    }

    init(_ format: Format) { self.format = format }

    /// How many events there were of each kind, and how many lines were dropped.
    var counts: (events: [String: UInt64], droppedLines: UInt64) {
        state.withLock { ($0.events, $0.dropped) }
    }

    /// An event of the vault's.
    func event(_ event: VaultEvent) {
        let name = "\(event.kind)"
        state.withLock { $0.events[name, default: 0] += 1 }
        var fields: [(String, Value)] = []
        if let id = event.connection { fields.append(("connection", .text(id.text))) }
        if event.number != 0 { fields.append(("number", .number(event.number))) }
        let words = [
            ("error", event.detail.oauthError), ("subject", event.detail.subjectName),
            ("cause", event.detail.causeName),
        ]
        for case (let name, let word?) in words { fields.append((name, .text(word))) }
        write(line(Self.level(of: event), name, fields, at: event.time))
    }

    /// Something that an operator should know, in words.
    func warn(_ text: String) {
        switch format {
        case .text: write("tokenvault: warning: \(text.printable)")
        case .json: write(line(.warning, "notice", [("text", .text(text))]))
        }
    }

    /// The same, where nothing is wrong.
    func tell(_ text: String) {
        switch format {
        case .text: write("tokenvault: \(text.printable)")
        case .json: write(line(.info, "notice", [("text", .text(text))]))
        }
    }

    /// For what logs by swift-log, such as the front.
    func logger(_ name: String) -> Logger {
        Logger(label: name) { _ in ServiceLogHandler(log: self, name: name) }
    }

    fileprivate func message(_ level: Level, _ name: String, _ text: String) {
        write(line(level, name, [("text", .text(text))]))
    }

    /// Waits until what was said is written, but not for ever.
    func finish() {
        let group = DispatchGroup()
        writer.async(group: group) {}
        _ = group.wait(timeout: .now() + .milliseconds(Self.finishMilliseconds))
    }

    private static func level(of event: VaultEvent) -> Level {
        switch event.kind {
        case .applicationRejected, .replyUnread: .error
        case .storageRefused: event.number == 0 ? .info : .error
        case .grantLost, .refreshRefused, .refreshDelayed, .connectFailed, .attemptInDoubt,
            .useFailed:
            .warning
        default: .info
        }
    }

    func line(
        _ level: Level, _ event: String, _ fields: [(String, Value)],
        at time: UnixTime = SystemTime().now()
    ) -> String {
        switch format {
        case .text:
            fields.reduce(into: "\(time.text) \(level.rawValue) \(event)") { line, field in
                line += " \(field.0)=\(Self.word(field.1))"
            }
        case .json:
            fields.reduce(
                into: "{\"time\":\"\(time.text)\",\"level\":\"\(level.rawValue)\""
                    + ",\"event\":\(Self.quoted(event))"
            ) { line, field in
                line += ",\"\(field.0)\":"
                switch field.1 {
                case .text(let text): line += Self.quoted(text)
                case .number(let number): line += "\(number)"
                }
            } + "}"
        }
    }

    /// A value that ends where the next space is, or is quoted.
    private static func word(_ value: Value) -> String {
        switch value {
        case .number(let number): return "\(number)"
        case .text(let text):
            let isPlain =
                !text.isEmpty
                && text.unicodeScalars.allSatisfy {
                    $0.isPrintable && !$0.properties.isWhitespace && $0 != "=" && $0 != "\""
                        && $0 != "\\"
                }
            return isPlain ? text : quoted(text)
        }
    }

    /// A JSON string in which nothing stands that is not printable.
    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.reduce(into: "") { result, scalar in
            if scalar == "\"" || scalar == "\\" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return "\"\(escaped.printableJSON)\""
    }

    private func write(_ line: String) {
        let untold = state.withLock { state -> UInt64? in
            guard state.waiting < Self.waitingMax else {
                state.dropped += 1
                state.untold += 1
                return nil
            }
            state.waiting += 1
            defer { state.untold = 0 }
            return state.untold
        }
        guard let untold else { return }
        let lost: [(String, Value)] = [("lines", .number(Int64(clamping: untold)))]
        let text = untold == 0 ? line : self.line(.warning, "linesDropped", lost) + "\n" + line
        writer.async { [self] in
            // Where nobody reads it any more, the vault goes on.
            try? Outlet.errors.line(text)
            state.withLock { $0.waiting -= 1 }
        }
    }
}

/// Hands the lines of swift-log over. Metadata is not written: its values could be anything.
private struct ServiceLogHandler: LogHandler {
    let log: ServiceLog
    let name: String
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level: ServiceLog.Level =
            switch event.level {
            case .warning: .warning
            case .error, .critical: .error
            default: .info
            }
        log.message(level, name, "\(event.message)")
    }
}

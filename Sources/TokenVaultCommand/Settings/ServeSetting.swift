// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// One setting of `serve`, declared once: the file of `serve --config`, what `config check` says,
/// what `config show` prints and the table in `Operations` follow from it. Its default is what the
/// property has in `ServeSettings`.
struct ServeSetting: Sendable {
    /// Its key in the file. An option of `serve` for the same has the same name, with `-` for `_`.
    let key: String
    /// What it takes, in words.
    let words: String
    /// One sentence about it.
    let sentence: String
    /// Its lines in a file, where it has no default.
    private let example: String

    private let take: @Sendable (inout ServeSettings, SettingValue, inout SettingReading) -> Void
    private let show: @Sendable (ServeSettings) -> String?
    private let look: @Sendable (ServeSettings) -> String?

    /// One that always has a value.
    init<Value>(
        _ key: String, _ path: any WritableKeyPath<ServeSettings, Value> & Sendable,
        _ kind: SettingKind<Value>, example: String = "", _ sentence: String
    ) {
        (self.key, words, self.sentence, self.example) = (key, kind.words, sentence, example)
        take = { settings, value, reading in
            if let read = kind.read(value, &reading) { settings[keyPath: path] = read }
        }
        show = { kind.show($0[keyPath: path]) }
        look = { kind.look($0[keyPath: path]) }
    }

    /// One that may be left out altogether.
    init<Value>(
        _ key: String, optional path: any WritableKeyPath<ServeSettings, Value?> & Sendable,
        _ kind: SettingKind<Value>, example: String, _ sentence: String
    ) {
        (self.key, words, self.sentence, self.example) = (key, kind.words, sentence, example)
        take = { settings, value, reading in
            if let read = kind.read(value, &reading) { settings[keyPath: path] = read }
        }
        show = { $0[keyPath: path].map(kind.show) }
        look = { $0[keyPath: path].flatMap(kind.look) }
    }

    /// Sets it to the value that a file gives.
    func set(
        _ settings: inout ServeSettings, to value: SettingValue, _ reading: inout SettingReading
    ) {
        let count = reading.faults.count
        take(&settings, value, &reading)
        for index in count..<reading.faults.count {
            reading.faults[index].setting = key + reading.faults[index].setting
        }
    }

    /// What is wrong with what it names outside of the file; nil where nothing is.
    func fault(in settings: ServeSettings) -> String? { look(settings) }

    /// Its default as a file would give it; nil where there is none.
    var usual: String? {
        let text = show(ServeSettings())
        return text == "[]" || text == "{}" ? nil : text
    }

    /// Its default, in words.
    var defaultWords: String { usual ?? "none" }

    /// Its lines in a file, a comment where it has no default.
    var lines: [String] {
        if let usual { return ["\(key): \(usual)"] }
        let lines = example.split(separator: "\n")
        return lines.count == 1
            ? ["#\(key): \(example)"] : ["#\(key):"] + lines.map { "#  \($0)" }
    }

    /// The one with a key.
    static subscript(key: String) -> ServeSetting? { all.first { $0.key == key } }
}

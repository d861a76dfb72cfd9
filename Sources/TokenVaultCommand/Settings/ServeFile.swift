// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProviderCatalog
import TokenVault

/// The file of `serve --config`, as it was read, with all that is wrong in it.
struct ServeFile {
    let path: String
    private(set) var settings = ServeSettings()
    private var faults: [DefinitionError] = []
    /// Where each setting stands.
    private var lines: [String: Int] = [:]

    /// Reads it. What is wrong in it is told by `checked` or `check`.
    ///
    /// - Throws: `missing` where there is no such file.
    init(_ path: String) throws(CommandFailure) {
        self.path = path
        let mapping: YAMLMapping
        do throws(DefinitionError) {
            mapping = try YAMLMapping(YAMLMapping.text(ofFile: path), file: path)
        } catch {
            guard error.number != ENOENT else {
                throw CommandFailure(.missing, error.description)
            }
            faults = [error]
            return
        }
        var reading = SettingReading(folder: ParentFolder.of(path))
        for (name, line, value) in mapping.members {
            guard let setting = ServeSetting[name] else {
                faults.append(
                    DefinitionError(file: path, line: line, message: RefusedKey.message(name)))
                continue
            }
            lines[name] = line
            reading.faults = []
            setting.set(&settings, to: value, &reading)
            faults += reading.faults.map { fault in
                DefinitionError(
                    file: path, line: fault.line ?? line, message: fault.description)
            }
        }
        checkMode()
    }

    /// Whoever can write the file can have browsers and requests sent elsewhere.
    private mutating func checkMode() {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o002 != 0 else { return }
        let message = "everybody may write it, and so say where browsers are sent: chmod o-w it"
        faults.append(DefinitionError(file: path, message: message))
    }

    /// What it says.
    ///
    /// - Throws: `misconfigured` where something is wrong in it, all of which is told.
    func checked() throws -> ServeSettings {
        try Self.tell(faults)
        return settings
    }

    /// Checks it by itself, and what it names.
    ///
    /// - Throws: as `checked`.
    func check() throws {
        var found = faults
        // Where a value could not be read there would be more to say than is true.
        if faults.isEmpty { found += placed(settings.faults()) }
        for setting in ServeSetting.all {
            if let message = setting.fault(in: settings) {
                found += placed([(setting.key, "\(setting.key): \(message)")])
            }
        }
        try Self.tell(found)
    }

    /// Refuses settings that do not go together, some of which may come from options.
    func refuse(_ faults: [(key: String, message: String)]) throws {
        try Self.tell(placed(faults))
    }

    private func placed(_ faults: [(key: String, message: String)]) -> [DefinitionError] {
        faults.map { DefinitionError(file: path, line: lines[$0.key], message: $0.message) }
    }

    /// Each on a line of its own, in the order of the file.
    private static func tell(_ faults: [DefinitionError]) throws {
        let sorted = faults.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
        guard let last = sorted.last else { return }
        for fault in sorted.dropLast() {
            try Outlet.errors.line("tokenvault: \(fault.description.printable)")
        }
        throw CommandFailure(.misconfigured, last.description)
    }

    /// A file with every setting: its sentence, what it takes, and its default or an example.
    static var template: String {
        var lines = [
            "# The settings of `tokenvault serve --config FILE`. Options of the command win.",
            "# What begins with # is an example: without it the setting is not set.",
            "# No secret is ever in this file: only the names of files that hold them.",
        ]
        for setting in ServeSetting.all {
            lines += [""] + wrapped("\(setting.sentence) Takes \(setting.words).") + setting.lines
        }
        return lines.joined(separator: "\n")
    }

    /// The most columns of a comment.
    private static let columns = 96

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= columns {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append("# \(word)")
            }
        }
        return lines
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// One text file of the package, its path relative to the package's root.
struct SourceFile: Sendable {
    var path: String
    var text: String
    var tokens: [Token]

    init(_ path: String, _ text: String) {
        self.path = path
        self.text = text
        tokens = [".swift", ".c", ".h"].contains { path.hasSuffix($0) } ? Token.all(in: text) : []
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The lines with their numbers; what follows the last newline counts as a line if not empty.
    var lines: [(number: Int, text: Substring)] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.enumerated().map { (number: $0.offset + 1, text: $0.element) }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isLibrary: Bool { path.hasPrefix("Sources/TokenVault/") }
    var isSource: Bool { path.hasPrefix("Sources/") && isCode }

    /// Swift, C, Python and shell, scripts without an extension among them.
    var isCode: Bool {
        let extensions = [".swift", ".c", ".h", ".py", ".sh"]
        return extensions.contains { path.hasSuffix($0) } || text.hasPrefix("#!")
    }
}

/// What a check found, and where.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var message: String

    init(_ file: SourceFile, _ line: Int, _ message: String) {
        path = file.path
        self.line = line
        self.message = message
    }

    var description: String { "\(path):\(line): \(message)" }
}

/// Fails the running test once for each finding.
func report(_ findings: [Finding]) {
    for finding in findings { Issue.record(Comment(rawValue: finding.description)) }
}

/// The package as it lies on disk: what `.gitignore` names is left out, and so are bytes that
/// others wrote and that are kept exactly as given (`Vectors`, `Corpus`).
enum Tree {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let files: [SourceFile] = readFiles()

    static var library: [SourceFile] { files.filter { $0.isLibrary && $0.isSwift } }
    static var sources: [SourceFile] { files.filter(\.isSource) }

    private static let hiddenButOurs: Set = [".ci", ".github", ".gitignore", ".swift-format"]
    private static let keptAsGiven: Set = ["Vectors", "Corpus"]

    private static func readFiles() -> [SourceFile] {
        let ignored = ignoredPatterns()
        var files: [SourceFile] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let entries = try? FileManager.default.contentsOfDirectory(
                at: root.appending(path: folder), includingPropertiesForKeys: [.isDirectoryKey])
            for entry in entries ?? [] {
                let name = entry.lastPathComponent
                if name.hasPrefix("."), !hiddenButOurs.contains(name) { continue }
                if ignored.contains(where: { unsafe fnmatch($0, name, 0) == 0 }) { continue }
                let path = folder + name
                let values = try? entry.resourceValues(forKeys: [.isDirectoryKey])
                if values?.isDirectory == true {
                    if !keptAsGiven.contains(name) { folders.append(path + "/") }
                } else if let text = text(of: entry) {
                    files.append(SourceFile(path, text))
                }
            }
        }
        return files.sorted { $0.path < $1.path }
    }

    private static func ignoredPatterns() -> [String] {
        let text = text(of: root.appending(path: ".gitignore")) ?? ""
        return text.split(separator: "\n").map { line in
            String(line.hasSuffix("/") ? line.dropLast() : line)
        }
    }

    /// Nil for what is no text.
    private static func text(of file: URL) -> String? {
        guard let bytes = try? Data(contentsOf: file), !bytes.contains(0) else { return nil }
        return String(data: bytes, encoding: .utf8)
    }
}

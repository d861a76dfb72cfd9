// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The lines of an import: of a file of ours, of a descriptor, or of an export that is opened
/// here. As many at a time as one secret holds, so that any number of them takes the same memory.
package struct LineSource: ~Copyable {
    /// Whole lines, and which the first of them is, from 1 on.
    package struct Batch: ~Copyable {
        package let lines: Secret
        package let first: Int
        /// Lines that were left out, because they are too long.
        package let tooLong: [Int]

        package consuming func takeLines() -> Secret { lines }
    }

    private enum Origin {
        case clear(OpenFile)
        case export(ExportReader)
    }

    private final class OpenFile {
        let descriptor: Descriptor

        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private let origin: Origin
    private var rest: Secret
    private var lineCount = 0
    private var isAtEnd = false
    /// How many bytes there are to be read; nil where nobody knows.
    package let byteCount: Int?
    /// How many were read.
    package private(set) var doneBytes = 0
    /// Whether it is sealed.
    package let isExport: Bool

    /// - Parameter key: of an export.
    /// - Throws: `secretFileUnusable` where others can read a file that is not sealed, or there is
    ///   none; `ExportError` where it is an export, and cannot be opened, or is none, and a key is
    ///   given.
    package init(path: String, key: consuming ExportKey?) throws {
        let found = try Self.isExport(path)
        switch consume key {
        case .none:
            guard !found else { throw ExportError(.needsPassphrase) }
            let file = try Descriptor(secretFile: path, .secretFileUnusable, .vault)
            let byteCount = Int(try file.status().st_size)
            try self.init(.clear(OpenFile(file)), byteCount)
        case .some(let key):
            guard found else { throw ExportError(.notAnExport) }
            let file = try Self.open(path)
            let byteCount = Int(try file.status().st_size)
            try self.init(.export(ExportReader(file, key)), byteCount)
        }
    }

    /// Of a descriptor, which stays open.
    package init(descriptor: Int32) throws {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw Descriptor.failure(.seal) }
        try self.init(.clear(OpenFile(Descriptor(owning: copy))), nil)
    }

    private init(_ origin: Origin, _ byteCount: Int?) throws(VaultError) {
        rest = try Secret(zeroes: 0)
        self.origin = origin
        self.byteCount = byteCount
        isExport = if case .export = origin { true } else { false }
    }

    private static func open(_ path: String) throws(VaultError) -> Descriptor {
        do throws(VaultError) {
            return try Descriptor(path, flags: O_RDONLY, followsLink: true, stage: .seal)
        } catch {
            let isMissing = error.number == Int(ENOENT) && error.detail.cause == nil
            throw VaultError(
                .secretFileUnusable, .seal, number: error.number,
                detail: FailureDetail(cause: isMissing ? .missing : error.detail.cause))
        }
    }

    private static func isExport(_ path: String) throws(VaultError) -> Bool {
        let file = try open(path)
        var beginning = try Secret(zeroes: ExportHeader.magic.utf8CodeUnitCount)
        let count = try file.drain(into: &beginning)
        return ExportHeader.isBeginning(beginning.bytes.extracting(0..<count))
    }

    /// Opens all of an export and looks at nothing: only what is whole is imported. Then it is at
    /// its beginning again.
    ///
    /// - Throws: `ExportError`.
    package func verify(_ progress: (Int) throws -> Void) throws {
        guard case .export(let reader) = origin else { return }
        while try reader.next() != nil { try progress(reader.offset) }
        try reader.rewind()
    }

    /// The next lines; nil behind the last.
    ///
    /// - Throws: `ExportError`, `VaultError`.
    package mutating func next() throws -> Batch? {
        switch origin {
        case .export(let reader):
            let lines = try reader.next()
            doneBytes = reader.offset
            switch consume lines {
            case .none: return nil
            case .some(let lines): return batch(lines, [])
            }
        case .clear(let file): return try next(file.descriptor)
        }
    }

    private mutating func batch(_ lines: consuming Secret, _ tooLong: [Int]) -> Batch {
        let first = lineCount + 1
        lineCount += Self.lineEnds(lines.bytes)
        return Batch(lines: lines, first: first, tooLong: tooLong)
    }

    private static func lineEnds(_ bytes: RawSpan) -> Int {
        var count = 0
        for index in 0..<bytes.byteCount where bytes.byte(at: index) == lineEnd { count += 1 }
        return count
    }

    private static let lineEnd = UInt8(ascii: "\n")

    private mutating func next(_ file: borrowing Descriptor) throws -> Batch? {
        var tooLong: [Int] = []
        while true {
            var buffer = try Secret(zeroes: SecretArena.secretBytesMax)
            buffer.store(rest.bytes, at: 0)
            var count = rest.count
            if !isAtEnd {
                var free = buffer.mutableBytes(count..<buffer.count)
                let got = try file.drain(into: &free)
                isAtEnd = got < buffer.count - count
                count += got
                doneBytes += got
            }
            buffer.shorten(to: count)
            let end = isAtEnd ? count : Self.lastLineEnd(buffer.bytes)
            if let end {
                rest = try Secret(copying: buffer.bytes.extracting(end..<count))
                buffer.shorten(to: end)
                guard count > 0 || !tooLong.isEmpty else { return nil }
                return batch(buffer, tooLong)
            }
            // No line ends within so many bytes: it is passed over.
            lineCount += 1
            tooLong.append(lineCount)
            rest = try Secret(zeroes: 0)
            try passOver(file)
        }
    }

    private static func lastLineEnd(_ bytes: RawSpan) -> Int? {
        var index = bytes.byteCount
        while index > 0 {
            if bytes.byte(at: index - 1) == lineEnd { return index }
            index -= 1
        }
        return nil
    }

    /// Goes on behind the end of a line that is too long.
    private mutating func passOver(_ file: borrowing Descriptor) throws {
        while !isAtEnd {
            var piece = try Secret(zeroes: SecretArena.secretBytesMax)
            let count = try file.drain(into: &piece)
            isAtEnd = count < piece.count
            doneBytes += count
            for index in 0..<count where piece.bytes.byte(at: index) == Self.lineEnd {
                rest = try Secret(copying: piece.bytes.extracting(index + 1..<count))
                return
            }
        }
    }
}

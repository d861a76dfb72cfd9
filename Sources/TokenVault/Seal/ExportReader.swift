// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An export while it is written: into a file beside the one that it becomes at the end.
struct ExportWriter: ~Copyable {
    private let file: Descriptor
    private let path: String
    private let temporary: String
    private var state: Secret
    private var offset: Int
    private var isDone = false

    /// - Throws: `ExportError`, `VaultError`.
    init(_ path: String, _ key: borrowing ExportKey) throws {
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else { throw ExportError(.exists) }
        let begun = try ExportHeader.make(key)
        let state = try begun.state.copy()
        let temporary = "\(path).\(getpid()).part"
        let file = try Descriptor(
            temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, stage: .seal)
        do {
            try file.write(begun.header.bytes, at: 0)
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        self.file = file
        self.path = path
        self.temporary = temporary
        self.state = state
        offset = begun.header.count
    }

    deinit { if !isDone { unsafe unlink(temporary) } }

    /// Seals whole lines: at most `ExportChunk.plaintextBytesMax`.
    mutating func append(_ lines: RawSpan) throws(VaultError) {
        try append(lines, isLast: false)
    }

    /// Seals the end, and gives the file its name once all of it is durable.
    mutating func finish() throws {
        try append(RawSpan(), isLast: true)
        try file.sync()
        // Unlike a renaming, it takes no other file's place.
        guard unsafe link(temporary, path) == 0 else {
            throw errno == EEXIST ? ExportError(.exists) : Descriptor.failure(.seal)
        }
        isDone = true
        unsafe unlink(temporary)
        try Descriptor.syncDirectory(Self.directory(of: path))
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private mutating func append(_ lines: RawSpan, isLast: Bool) throws(VaultError) {
        let sealedBytes = lines.byteCount + Sodium.chunkTagBytes
        var chunk = try Secret(zeroes: ExportChunk.headBytes + sealedBytes)
        chunk.store(UInt32(sealedBytes), at: 0)
        let head = try Secret(integer: UInt32(sealedBytes))
        var output = chunk.mutableBytes(ExportChunk.headBytes..<chunk.count)
        Sodium.sealChunk(
            &state, lines, associated: head.bytes, isLast: isLast, into: &output)
        try file.write(chunk.bytes, at: offset)
        offset += chunk.count
    }
}

/// A chunk of an export: its length, which is authenticated with it, and what is sealed.
enum ExportChunk {
    static let headBytes = 4
    /// The most that is sealed at a time: the longest line and its end.
    static let plaintextBytesMax = PortableConnection.lineBytesMax + 1
}

/// An export while it is read.
package final class ExportReader {
    private let file: Descriptor
    private var state: Secret
    /// The state as it was at the beginning.
    private let begun: Secret
    private(set) var offset = ExportHeader.byteCount
    private var chunk = 0
    private var isAtEnd = false

    /// - Throws: `ExportError`, `VaultError`.
    init(_ file: consuming Descriptor, _ key: borrowing ExportKey) throws {
        var header = try Secret(zeroes: ExportHeader.byteCount)
        var span = header.mutableBytes
        guard try file.read(into: &span, at: 0) else { throw ExportError(.headerAltered) }
        let begun = try ExportHeader.open(header, key)
        state = try begun.copy()
        self.begun = begun
        self.file = file
    }

    /// Reads from the beginning once more.
    func rewind() throws(VaultError) {
        state = try begun.copy()
        (offset, chunk, isAtEnd) = (ExportHeader.byteCount, 0, false)
    }

    /// The next lines; nil behind the last, where the file ends.
    func next() throws -> Secret? {
        guard !isAtEnd else { return nil }
        var head = try Secret(zeroes: ExportChunk.headBytes)
        var headSpan = head.mutableBytes
        guard try file.read(into: &headSpan, at: offset) else { throw failure(.truncated) }
        let sealedBytes = Int(head.bytes.integer(at: 0, as: UInt32.self))
        let byteCount = sealedBytes - Sodium.chunkTagBytes
        guard (0...ExportChunk.plaintextBytesMax).contains(byteCount) else {
            throw failure(.chunkAltered)
        }
        var sealed = try Secret(zeroes: sealedBytes)
        var sealedSpan = sealed.mutableBytes
        guard try file.read(into: &sealedSpan, at: offset + ExportChunk.headBytes) else {
            throw failure(.truncated)
        }
        var lines = try Secret(zeroes: byteCount)
        var output = lines.mutableBytes
        guard
            let isLast = Sodium.openChunk(
                &state, sealed.bytes, associated: head.bytes, into: &output)
        else { throw failure(.chunkAltered) }
        offset += ExportChunk.headBytes + sealedBytes
        chunk += 1
        guard isLast else { return lines }
        isAtEnd = true
        guard try file.status().st_size == off_t(offset) else { throw failure(.appended) }
        if lines.count > 0 { return lines }
        return nil
    }

    private func failure(_ reason: ExportError.Reason) -> ExportError {
        ExportError(reason, chunk: chunk)
    }
}

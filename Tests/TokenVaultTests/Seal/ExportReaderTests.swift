// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// An export: what is changed in it, where it is cut, and who may open it.
@Suite struct ExportReaderTests {
    static let lines = ["{\"id\":\"a\"}\n", "{\"id\":\"b\"}\n{\"id\":\"c\"}\n"]

    /// A folder of its own, gone at the end.
    final class Folder {
        let path = NSTemporaryDirectory() + "tokenvault-\(UUID().uuidString)"

        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ bytes: [UInt8], _ name: String = "changed") throws -> String {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
            try TestVault.write(bytes, to: "\(path)/\(name)", mode: 0o600)
            return "\(path)/\(name)"
        }

        func bytes(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
        }
    }

    static func write(_ path: String, _ key: consuming ExportKey) throws {
        var writer = try ExportWriter(path, key)
        for text in lines {
            let secret = try Secret(text: text)
            try writer.append(secret.bytes)
        }
        try writer.finish()
    }

    /// What is read, after all of it was verified.
    static func read(_ path: String, _ key: consuming ExportKey) throws -> String {
        var source = try LineSource(path: path, key: key)
        try source.verify { _ in }
        var text = ""
        while let batch = try source.next() {
            let lines = batch.takeLines()
            text += lines.exposed
        }
        return text
    }

    static func reason(_ body: () throws -> Void) -> ExportError.Reason? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ExportError)?.reason
        }
    }

    @Test func aRecipientReadsIt() throws {
        let folder = try Folder()
        let pair = try ExportKey.makePair()
        let path = "\(folder.path)/a.tkx"
        try Self.write(path, .publicKey(pair.publicKey))
        #expect(try Self.read(path, .privateKey(pair.privateKey.copy())) == Self.lines.joined())
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.tkx"])
        #expect(Self.reason { try Self.write(path, .publicKey(pair.publicKey)) } == .exists)
        let other = try ExportKey.makePair()
        #expect(
            Self.reason { _ = try Self.read(path, .privateKey(other.privateKey.copy())) }
                == .wrongPrivateKey)
        #expect(
            Self.reason { _ = try Self.read(path, .passphrase(Secret(text: "long enough"))) }
                == .needsPrivateKey)
        #expect(
            Self.reason { _ = try Self.read(path, .privateKey(Secret(text: "short"))) }
                == .malformedKey)
        #expect(Self.reason { _ = try LineSource(path: path, key: nil) } == .needsPassphrase)
    }

    @Test func aPassphraseReadsIt() throws {
        let folder = try Folder()
        let path = "\(folder.path)/a.tkx"
        try Self.write(path, .passphrase(Secret(text: "correct horse")))
        #expect(
            try Self.read(path, .passphrase(Secret(text: "correct horse"))) == Self.lines.joined())
        #expect(
            Self.reason { _ = try Self.read(path, .passphrase(Secret(text: "another one"))) }
                == .wrongPassphrase)
        #expect(
            Self.reason { _ = try Self.read(path, .passphrase(Secret(text: "short"))) }
                == .malformedPassphrase)
        let key = try ExportKey.makePair()
        #expect(
            Self.reason { _ = try Self.read(path, .privateKey(key.privateKey.copy())) }
                == .needsPassphrase)
        // What only its checksum can tell: somebody who asks for less work makes one anew.
        var bytes = try folder.bytes("a.tkx")
        bytes[16] = 1
        let changed = try folder.write(bytes)
        #expect(
            Self.reason { _ = try Self.read(changed, .passphrase(Secret(text: "correct horse"))) }
                == .headerAltered)
    }

    @Test func everyChangedByteIsRefused() throws {
        let folder = try Folder()
        let pair = try ExportKey.makePair()
        try Self.write("\(folder.path)/a.tkx", .publicKey(pair.publicKey))
        let bytes = try folder.bytes("a.tkx")
        let heads = [256, 256 + 4 + 11 + 17, 256 + 2 * (4 + 17) + 11 + 22]
        #expect(bytes.count == heads[2] + 4 + 17)
        for offset in bytes.indices {
            var changed = bytes
            changed[offset] ^= 0x40
            let path = try folder.write(changed)
            let reason = Self.reason {
                _ = try Self.read(path, .privateKey(pair.privateKey.copy()))
            }
            let isLength = heads.contains { ($0..<$0 + 4).contains(offset) }
            let expected: [ExportError.Reason] =
                offset < 8
                ? [.notAnExport]
                : offset < 256
                    ? [.headerAltered] : isLength ? [.chunkAltered, .truncated] : [.chunkAltered]
            #expect(reason.map(expected.contains) ?? false, "byte \(offset)")
        }
    }

    @Test func whatIsCutOrAddedOrMovedIsRefused() throws {
        let folder = try Folder()
        let pair = try ExportKey.makePair()
        try Self.write("\(folder.path)/a.tkx", .publicKey(pair.publicKey))
        let bytes = try folder.bytes("a.tkx")
        func reason(_ bytes: [UInt8]) throws -> ExportError.Reason? {
            let path = try folder.write(bytes)
            return Self.reason { _ = try Self.read(path, .privateKey(pair.privateKey.copy())) }
        }
        for count in 0..<bytes.count {
            let expected: ExportError.Reason =
                count < 8 ? .notAnExport : count < 256 ? .headerAltered : .truncated
            #expect(try reason(Array(bytes[..<count])) == expected, "\(count) bytes")
        }
        #expect(try reason(bytes + [0]) == .appended)
        #expect(try reason(bytes + Array(bytes[256...])) == .appended)
        let (first, second) = (bytes[256..<288], bytes[288..<331])
        let last = bytes[331...]
        let head = bytes[..<256]
        let moved = [
            [head, second, first, last], [head, first, first, second, last], [head, first, last],
            [head, last],
        ]
        for parts in moved {
            #expect(try reason(parts.flatMap { Array($0) }) == .chunkAltered)
        }
        // Of another export of the same lines to the same recipient.
        try Self.write("\(folder.path)/b.tkx", .publicKey(pair.publicKey))
        let other = try folder.bytes("b.tkx")
        for cut in [256, 288] {
            let mixed = Array(bytes[..<cut]) + Array(other[cut...])
            #expect(try reason(mixed) == .chunkAltered)
        }
    }

    @Test func whatIsNotFinishedLeavesNothing() throws {
        let folder = try Folder()
        let pair = try ExportKey.makePair()
        do {
            var writer = try ExportWriter("\(folder.path)/a.tkx", .publicKey(pair.publicKey))
            let line = try Secret("{}\n")
            try writer.append(line.bytes)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }

    @Test func linesAreReadInBatches() throws {
        let folder = try Folder()
        let long = String(repeating: "x", count: 70_000)
        var text = "a\n\n\(long)\nb\r\n"
        for number in 0..<20_000 { text += "line \(number)\n" }
        text += "\(long)\n\(long)\nlast"
        let path = try folder.write(Array(text.utf8))
        var source = try LineSource(path: path, key: nil)
        var (read, tooLong, count) = ("", [Int](), 1)
        while let batch = try source.next() {
            tooLong += batch.tooLong
            let first = batch.first
            #expect(first >= count)
            let lines = batch.takeLines()
            let text = lines.exposed
            count = first + text.count { $0 == "\n" || $0 == "\r\n" }
            read += text
        }
        #expect(tooLong == [3, 20_005, 20_006])
        #expect(read == text.replacing("\(long)\n", with: ""))
        #expect(source.doneBytes == text.utf8.count && source.byteCount == text.utf8.count)
        try TestVault.write([0x7B], to: "\(folder.path)/open", mode: 0o644)
        #expect(throws: VaultError.self) {
            _ = try LineSource(path: "\(folder.path)/open", key: nil)
        }
    }
}

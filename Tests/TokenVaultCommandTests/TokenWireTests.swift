// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing
import TokenVault

@testable import TokenVaultCommand

/// A token on its way through the control socket arrives whole, or not at all.
struct TokenWireTests {
    private static let patience: Int64 = 60_000

    private func pair() throws -> (Wire, Wire) {
        var ends: [Int32] = [0, 0]
        let isMade = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        try #require(isMade == 0)
        var size: Int32 = 4096
        let length = socklen_t(MemoryLayout<Int32>.size)
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, length)
        return (Wire(owning: ends[0]), Wire(owning: ends[1]))
    }

    @Test func nothingFollowsATokenThatWasCut() throws {
        let (sender, reader) = try pair()
        let token = try Secret(zeroes: 60_000)
        #expect(throws: CommandFailure.self) { try sender.sendAtOnce(token) }
        // There is room again.
        let deadline = Deadline.after(milliseconds: Self.patience)
        let head = try reader.receiveHead(by: deadline)
        #expect(head.kind == .secret && head.count == token.count)
        while let bytes = try? reader.receiveAtOnce(atMost: 1 << 16) { #expect(!bytes.isEmpty) }
        let frame = try Wire.frame(FailureForm(Wire.hungUp), as: .failure)
        #expect(throws: CommandFailure.self) {
            _ = try unsafe frame.withUnsafeBytes { try unsafe sender.sendAtOnce($0) }
        }
        #expect(throws: CommandFailure.self) { try reader.receiveHead(by: deadline) }
    }

    /// Serves one token as another process would, of which something else came between.
    private func serve(
        _ answer: [UInt8], _ body: (ServedVault) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try VaultFolder(path)
        let socket = try folder.listen()
        let isOver = Atomic(false)
        let server = try WorkerThread("server") {
            while true {
                let accepted = VaultFolder.acceptNext(socket)
                guard accepted >= 0, !isOver.load(ordering: .acquiring) else { return }
                Self.answer(Wire(owning: accepted), answer)
            }
        }
        let result: Result<Void, any Error>
        do {
            try await body(try #require(try ServedVault(folder)))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        isOver.store(true, ordering: .releasing)
        if let last = try folder.connect() { close(last) }
        server.join()
        close(socket)
        try result.get()
    }

    private static func answer(_ wire: Wire, _ answer: [UInt8]) {
        let deadline = Deadline.after(milliseconds: patience)
        guard let head = try? wire.receiveHead(by: deadline),
            let request = try? wire.receive(Request.self, count: head.count, by: deadline),
            (try? wire.receiveHead(by: deadline)) != nil
        else { return }
        if case .token = request {
            _ = unsafe answer.withUnsafeBytes { try? unsafe wire.sendAtOnce($0) }
        } else {
            try? wire.sendEnd()
        }
    }

    @Test(arguments: [0, 1, 60, 99])
    func aTokenThatWasCutIsLentToNobody(_ sent: Int) async throws {
        let failure = try Wire.frame(FailureForm(Wire.hungUp), as: .failure)
        #expect(failure.count > 40)
        let head = Wire.head(.secret, count: 100)
        let part = [UInt8](repeating: 0x74, count: sent)
        // The end is missing, be it that what follows is taken for the rest.
        for rest in [[], failure, Wire.head(.end, count: 0)] {
            try await serve(head + part + rest) { vault in
                await #expect(throws: CommandFailure.self) {
                    try await vault.withToken(id: "anna", minimumSeconds: 0) { _ in
                        Issue.record("it was lent")
                    }
                }
            }
        }
        let whole = head + [UInt8](repeating: 0x74, count: 100) + Wire.head(.end, count: 0)
        try await serve(whole) { vault in
            var count = 0
            try await vault.withToken(id: "anna", minimumSeconds: 0) { count = $0.count }
            #expect(count == 100)
        }
    }
}

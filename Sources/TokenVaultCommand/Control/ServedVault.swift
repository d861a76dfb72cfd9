// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The vault of another process, reached through its control socket: one connection a request.
final class ServedVault: VaultDoor {
    private let folder: VaultFolder

    /// Nil where no process serves the vault.
    init?(_ folder: VaultFolder) throws {
        guard try Self.wire(folder) != nil else { return nil }
        self.folder = folder
    }

    func ask(
        _ request: Request, secret: consuming Secret?, _ take: (Reply) throws -> Void
    ) async throws {
        let wire = try send(request, secret)
        let deadline = Deadline.after(milliseconds: request.answerMilliseconds)
        while true {
            let head = try wire.receiveHead(by: deadline)
            switch head.kind {
            case .message:
                try take(wire.receive(Reply.self, count: head.count, by: deadline))
            case .failure:
                throw try wire.receive(FailureForm.self, count: head.count, by: deadline).error
            case .end: return
            case .secret: throw Self.unexpected
            }
        }
    }

    func withToken(
        id: String, minimumSeconds: Int, _ body: (borrowing Secret) throws -> Void
    ) async throws {
        let wire = try send(.token(id: id, minimumSeconds: minimumSeconds), nil)
        let deadline = Deadline.after(milliseconds: Wire.answerMilliseconds)
        let head = try wire.receiveHead(by: deadline)
        switch head.kind {
        case .secret:
            let token = try wire.receiveSecret(count: head.count, by: deadline)
            // What ends it says that it is whole.
            guard try wire.receiveHead(by: deadline).kind == .end else { throw Wire.hungUp }
            try body(token)
        case .failure:
            throw try wire.receive(FailureForm.self, count: head.count, by: deadline).error
        case .message, .end: throw Self.unexpected
        }
    }

    func askForKey(
        _ request: Request, _ take: (Reply) throws -> Void,
        _ body: (borrowing Secret) throws -> Void
    ) async throws {
        let wire = try send(request, nil)
        let deadline = Deadline.after(milliseconds: request.answerMilliseconds)
        while true {
            let head = try wire.receiveHead(by: deadline)
            switch head.kind {
            case .secret: try body(wire.receiveSecret(count: head.count, by: deadline))
            case .message:
                try take(wire.receive(Reply.self, count: head.count, by: deadline))
            case .failure:
                throw try wire.receive(FailureForm.self, count: head.count, by: deadline).error
            case .end: return
            }
        }
    }

    private func send(_ request: Request, _ secret: consuming Secret?) throws -> Wire {
        try ping()
        let wire = try connect()
        try wire.send(request)
        switch consume secret {
        case .none: break
        case .some(let secret): try wire.send(secret)
        }
        try wire.sendEnd()
        return wire
    }

    private static func wire(_ folder: VaultFolder) throws(CommandFailure) -> Wire? {
        do throws(CommandFailure) {
            return try folder.connect().map { Wire(owning: $0) }
        } catch {
            throw error == Deadline.isOver ? Wire.silent(nil) : error
        }
    }

    private func connect() throws -> Wire {
        guard let wire = try Self.wire(folder) else { throw VaultError(.closed, .vault) }
        return wire
    }

    /// A process that serves answers this at once, whatever it waits for. A stopped one does not,
    /// and would be waited for as long as for a provider.
    private func ping() throws {
        let wire = try connect()
        try wire.send(Request.ping)
        try wire.sendEnd()
        // Any answer will do: the process is there.
        _ = try wire.receiveHead(by: Deadline.after(milliseconds: Wire.pingMilliseconds))
    }

    func close() {}
}

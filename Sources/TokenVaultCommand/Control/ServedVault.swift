// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The vault of another process, reached through its control socket: one connection a request.
final class ServedVault: VaultDoor {
    private let folder: VaultFolder

    /// Nil where no process serves the vault.
    init?(_ folder: VaultFolder) throws {
        guard let socket = try folder.connect() else { return nil }
        _ = Wire(owning: socket)
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
            try body(token)
        case .failure:
            throw try wire.receive(FailureForm.self, count: head.count, by: deadline).error
        case .message, .end: throw Self.unexpected
        }
    }

    private func send(_ request: Request, _ secret: consuming Secret?) throws -> Wire {
        guard let socket = try folder.connect() else { throw VaultError(.closed, .vault) }
        let wire = Wire(owning: socket)
        try wire.send(request)
        switch consume secret {
        case .none: break
        case .some(let secret): try wire.send(secret)
        }
        try wire.sendEnd()
        return wire
    }

    func close() {}
}

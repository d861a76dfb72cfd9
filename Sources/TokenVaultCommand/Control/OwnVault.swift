// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// The vault, opened in this process.
final class OwnVault: VaultDoor {
    let vault: Vault

    init(_ vault: Vault) { self.vault = vault }

    func ask(
        _ request: Request, secret: consuming Secret?, _ take: (Reply) throws -> Void
    ) async throws {
        // Some of the verbs would wait on this thread, of which there are few.
        try await vault.readable()
        switch request {
        case .applications:
            let sorted = try vault.applications().sorted { $0.id.text < $1.id.text }
            for summary in sorted { try take(.application(ApplicationForm(summary))) }
        case .putApplication(let form):
            try await vault.put(form.application(clientSecret: secret))
        case .removeApplication(let id):
            try await vault.removeApplication(ApplicationID(id))
        case .connect(let id, let application, let scopes):
            let request = try await vault.connect(
                ConnectionID(id), application: ApplicationID(application), scopes: scopes)
            try take(.authorization(url: request.url))
        case .complete(let application):
            let id = try await complete(secret, application)
            try take(.connected(id: id.text))
        case .list:
            for id in try vault.list().sorted(by: { $0.text < $1.text }) {
                // Disconnected since it was listed: not an error.
                guard let status = try vault.status(id) else { continue }
                try take(.status(StatusForm(status)))
            }
        case .status(let id):
            guard let status = try vault.status(ConnectionID(id)) else {
                throw VaultError(.notFound, .vault, connection: try ConnectionID(id))
            }
            try take(.status(StatusForm(status)))
        case .refresh(let id): try await vault.refresh(ConnectionID(id))
        case .disconnect(let id):
            try take(.receipt(ReceiptForm(try await vault.disconnect(ConnectionID(id)))))
        case .log(let id, let limit):
            for event in try vault.log(ConnectionID(id), limit: min(max(limit, 1), 100_000)) {
                try take(.event(EventForm(event)))
            }
        case .token: throw VaultError(.invalidArgument, .vault)
        }
    }

    private func complete(
        _ query: consuming Secret?, _ application: String
    ) async throws -> ConnectionID {
        switch consume query {
        case .none: throw VaultError(.invalidArgument, .vault)
        case .some(let query):
            return try await vault.complete(
                callbackQuery: query, application: ApplicationID(application))
        }
    }

    func withToken(
        id: String, minimumSeconds: Int, _ body: (borrowing Secret) throws -> Void
    ) async throws {
        try await vault.withAccessToken(
            ConnectionID(id), minimumLifetime: .seconds(minimumSeconds), body)
    }

    func close() { vault.close() }
}

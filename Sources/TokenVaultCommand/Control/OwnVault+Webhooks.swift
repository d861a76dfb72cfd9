// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension OwnVault {
    /// What is asked about webhooks, and is not answered by a key.
    func ask(
        ofWebhooks request: Request, _ take: (Reply) throws -> Void
    ) async throws {
        switch request {
        case .webhooks:
            for webhook in try await vault.webhooks() { try take(.webhook(WebhookForm(webhook))) }
        case .removeWebhook(let id): try await vault.removeWebhook(Self.webhookID(id))
        case .resumeWebhook(let id): try await vault.resumeWebhook(Self.webhookID(id))
        case .testWebhook(let id):
            let outcome = try await vault.testWebhook(Self.webhookID(id))
            try take(.webhookOutcome(WebhookOutcomeForm(outcome)))
        default: throw VaultError(.invalidArgument, .vault)
        }
    }

    func askForKey(
        _ request: Request, _ take: (Reply) throws -> Void,
        _ body: (borrowing Secret) throws -> Void
    ) async throws {
        try await vault.readable()
        let key: WebhookKey
        switch request {
        case .addWebhook(let url, let types):
            let known = try types?.map { name throws(VaultError) in
                guard let type = WebhookType(name) else {
                    throw VaultError(.invalidArgument, .vault)
                }
                return type
            }
            key = try await vault.addWebhook(url, types: known)
        case .rotateWebhook(let id, let keepSeconds):
            key = try await vault.rotateWebhook(
                Self.webhookID(id), keepingPrevious: .seconds(keepSeconds))
        default: throw VaultError(.invalidArgument, .vault)
        }
        // First, since a secret takes an empty socket.
        try body(key.secret)
        try take(.webhookKey(id: key.id.text))
    }

    /// What happened in the vault, at most so many events, page by page.
    func tellEvents(
        after text: String?, limit: Int, _ take: (Reply) throws -> Void
    ) async throws {
        var cursor = try text.map { text throws(VaultError) in try EventCursor(text) }
        var left = limit
        while left > 0 {
            let page = try await vault.events(
                after: cursor, limit: min(left, Vault.eventsAtOnceMax))
            for event in page.events { try take(.event(EventForm(event))) }
            cursor = page.cursor
            left -= page.events.count
            guard page.hasMore else { return }
            await Task.yield()
            try Task.checkCancellation()
        }
    }

    /// - Throws: `CommandFailure` where it is none.
    private static func webhookID(_ text: String) throws -> WebhookID {
        do {
            return try WebhookID(text)
        } catch {
            throw VaultError(.notFound, .vault)
        }
    }
}

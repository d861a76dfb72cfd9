// SPDX-License-Identifier: Apache-2.0

/// Tokens of the platform's on their way into the store, kept whole until they are durable: an
/// engine may run the edit that merges them more than once.
///
/// The writer's thread wipes them, not the task that waits for it: that task goes on when a thread
/// is free for it, and the threads may wait for the blocks that it holds.
final class SuppliedTokens: Sendable {
    private let tokens: Monitor<TokenSet?>

    /// How long they are together, in bytes.
    let byteCount: Int

    /// - Throws: `invalidArgument`, `limitExceeded` where they cannot be stored.
    init(_ tokens: consuming TokenSet) throws(VaultError) {
        try Self.check(tokens)
        byteCount = Self.byteCount(tokens)
        self.tokens = Monitor(tokens)
    }

    /// Copies them into a record.
    func adopt(
        into record: inout ConnectionRecord, requestStart: UnixTime
    ) throws(VaultError) {
        try tokens.withLock { (tokens) throws(VaultError) in
            switch tokens {
            case .none: throw VaultError(.invalidArgument, .vault)
            case .some(let tokens):
                try record.adopt(tokens, requestStart: requestStart)
            }
        }
    }

    func wipe() { tokens.withLock { $0 = nil } }

    private static func byteCount(_ tokens: borrowing TokenSet) -> Int {
        var count = tokens.accessToken.count + tokens.tokenType.utf8.count
        count += tokens.scope?.utf8.count ?? 0
        switch tokens.refreshToken {
        case .none: break
        case .some(let token): count += token.count
        }
        return count
    }

    private static func check(_ tokens: borrowing TokenSet) throws(VaultError) {
        var longest = tokens.accessToken.count
        switch tokens.refreshToken {
        case .none: break
        case .some(let token):
            guard token.count > 0 else { throw VaultError(.invalidArgument, .vault) }
            longest = max(longest, token.count)
        }
        guard longest <= TokenSet.tokenBytesMax else {
            throw VaultError(.limitExceeded, .vault, number: TokenSet.tokenBytesMax)
        }
        guard tokens.accessToken.count > 0, tokens.tokenType.utf8.count <= 64,
            (tokens.scope?.utf8.count ?? 0) <= TokenSet.scopeBytesMax
        else { throw VaultError(.invalidArgument, .vault) }
    }
}

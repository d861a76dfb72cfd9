// SPDX-License-Identifier: Apache-2.0

// Successes that name a token and cannot be used. The body is kept, sealed, and while one is there
// the refresh token that it was the answer to is not presented again: a provider that has replaced
// it would take that for theft, and end the grant.
extension Refresher {
    /// Whether a connection waits for somebody who knows better: a newer version of this library,
    /// which can read what lies here, or an operator.
    static func isHeld(
        _ record: borrowing ConnectionRecord, _ limits: RefreshPolicy.Limits
    ) -> Bool {
        limits.isAnswerPrecious && record.holdsUnread && !record.retriesUnread
    }

    /// The same where the limits of its provider have to be looked up.
    func isHeld(_ record: borrowing ConnectionRecord) -> Bool {
        guard let application = record.application, record.holdsUnread else { return false }
        return Self.isHeld(record, limits(queue(of: record, application), record))
    }

    /// Why a record that is active is not refreshed.
    func refusal(_ record: borrowing ConnectionRecord) -> VaultError {
        if isHeld(record) { return Self.heldBack(record, .vault) }
        let cause: FailureCause = record.rejected == nil ? .noRefreshToken : .tokenRejected
        return VaultError(.notRefreshable, .vault, cause)
    }

    /// Why the provider's answer cannot be used that lies here.
    static func heldBack(
        _ record: borrowing ConnectionRecord, _ stage: VaultError.Stage
    ) -> VaultError {
        let kind = VaultEvent.Kind.replyUnread
        var detail = FailureDetail()
        if let failure = record.failure, failure.code == kind.code {
            detail = kind.meaning(of: Int64(failure.status)).detail
        }
        return VaultError(.providerAnswerUnreadable, stage, detail: detail)
    }

    /// Seals the body before anybody judges it.
    func storeUnread(
        _ attempt: RefreshAttempt, _ body: consuming Secret, _ cause: FailureCause?,
        requestedAt: UnixTime
    ) {
        storeUnread(attempt, UnreadBody(body, cause), .members, requestedAt)
    }

    private func storeUnread(
        _ attempt: RefreshAttempt, _ body: UnreadBody, _ extent: UnreadReply.Extent,
        _ requestedAt: UnixTime
    ) {
        let error = VaultError(
            .providerAnswerUnreadable, .upkeep, connection: attempt.id,
            detail: FailureDetail(cause: body.cause))
        let isPrecious = limits(attempt.queue).isAnswerPrecious
        guard let count = body.reduce(to: extent) else {
            // What is left of it is longer than a record can be, and no refresh token.
            return storeDelayed(attempt, error, effect: .inDoubt)
        }
        rewrite(
            attempt, event: .replyUnread,
            number: VaultEvent.Kind.unread(byteCount: count, body.cause),
            isPrecious ? .known : .inDoubt,
            addedBytesMax: count + 2 * (Fields.headBytes + 8)
        ) { (record) throws(VaultError) in
            try body.keep(in: &record, requestStart: requestedAt)
        } then: { [self] in
            guard isPrecious else { return postpone(attempt, error) }
            shared.withLock { shared in
                shared.unread.insert(attempt.key)
                if !attempt.isOrphan {
                    _ = shared.upkeep.countFailure(attempt.key)
                }
            }
            finish(attempt, .failure(error), nil)
        } left: { [self] in
            revokeLate(attempt, body)
        } else: { [self] error in
            if error.code == .limitExceeded, let less = extent.less {
                return storeUnread(attempt, body, less, requestedAt)
            }
            // It may be the only copy of a new token: kept until it can be sealed.
            storeLater(attempt, error) { [self] in storeUnread(attempt, body, extent, requestedAt) }
        }
    }

    /// The record has moved on. What can be read is revoked where the life that asked is over, or
    /// the grant is one that is to be revoked; else it could end the grant of the newer pair.
    private func revokeLate(_ attempt: RefreshAttempt, _ body: UnreadBody) {
        let (isOrphan, replaced) = shared.withLock { _ in
            (attempt.isOrphan, attempt.replacedGrant.take())
        }
        guard isOrphan || replaced != nil else { return finishElsewhere(attempt) }
        do throws(VaultError) {
            let application = try store.application(
                attempt.source.application, for: attempt.source.own)
            let tokens = try body.tokens()
            let isComplete = tokens.names.isComplete
            try Revocation(network).send(application, tokens) { [self] outcomes in
                if let replaced, isComplete, outcomes.isComplete { endReplaced(replaced, attempt) }
                endLate(attempt, currentPlan(attempt))
            }
        } catch {
            endLate(attempt, currentPlan(attempt))
        }
    }

    private final class UnreadBody: Sendable {
        private let body: Monitor<Secret>
        /// Why it cannot be used, where that is known.
        let cause: FailureCause?

        init(_ body: consuming Secret, _ cause: FailureCause?) {
            self.cause = cause
            self.body = Monitor(body)
        }

        /// How long it is then; nil where nothing is left. It came reduced to its members.
        func reduce(to extent: UnreadReply.Extent) -> Int? {
            body.withLock {
                extent == .members || UnreadReply.reduce(&$0, to: extent) ? $0.count : nil
            }
        }

        func tokens() throws(VaultError) -> UnreadReply.Tokens {
            try body.withLock { (body) throws(VaultError) in
                try UnreadReply.tokens(in: body.bytes)
            }
        }

        func keep(
            in record: inout ConnectionRecord, requestStart: UnixTime
        ) throws(VaultError) {
            try body.withLock { (body) throws(VaultError) in
                try record.keepUnread(body, requestStart: requestStart)
            }
        }
    }
}

extension UnreadReply.Extent {
    fileprivate var less: Self? {
        switch self {
        case .members: .tokens
        case .tokens: .refreshTokens
        case .refreshTokens: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

// What an attempt presents for new tokens: a token, or nothing.
extension Refresher {
    /// The request of an attempt whose source is known.
    ///
    /// - Throws: as the makers of `TokenRequest`; `notRefreshable` where there is no token that
    ///   could be presented.
    func request(
        _ attempt: RefreshAttempt, _ record: borrowing ConnectionRecord,
        _ application: borrowing Application, _ credentials: ClientCredentials, now: UnixTime,
        listenMilliseconds: Int
    ) throws(VaultError) -> TransportRequest {
        switch attempt.source.grant {
        case .authorizationCode: break
        case .clientCredentials:
            return try network.endpoint.clientCredentials(
                scope: record.requestedScope, for: application, by: credentials
            ) { [self] verdict in answered(attempt, verdict) }
        case .jwtBearer:
            return try network.endpoint.jwtBearer(
                subject: record.subject, scope: record.requestedScope, for: application,
                by: credentials
            ) { [self] verdict in answered(attempt, verdict) }
        }
        guard let place = presented(record, isExchange: attempt.source.isExchange, now) else {
            throw VaultError(.notRefreshable, .upkeep, .noRefreshToken)
                .concerning(attempt.source.id)
        }
        return try network.endpoint.refresh(
            record.fields.bytes.extracting(place), for: application, by: credentials,
            listenMilliseconds: listenMilliseconds, overdue: { [self] in overdue(attempt) }
        ) { [self] verdict in answered(attempt, verdict) }
    }

    /// A failure's number, with what was asked for in it.
    static func number(_ raw: Int, of attempt: RefreshAttempt) -> Int {
        guard raw > 0, let subject = attempt.source.grant.subject else { return raw }
        let number = FailureNumber(raw: Int64(raw))
        var detail = number.detail
        detail.subject = detail.subject ?? subject
        return Int(FailureNumber(status: Int(number.number), detail).raw)
    }

    /// Where the token lies that is presented for new ones; nil where there is none, or where it
    /// has expired and cannot be exchanged any more.
    private func presented(
        _ record: borrowing ConnectionRecord, isExchange: Bool, _ now: UnixTime
    ) -> Range<Int>? {
        guard isExchange else { return record.fields.range(ConnectionTag.refreshToken) }
        if let expiry = record.accessTokenExpiry, expiry <= now { return nil }
        return record.fields.range(ConnectionTag.accessToken)
    }
}

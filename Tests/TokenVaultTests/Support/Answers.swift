// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What a reply was, copied out so that expectations can hold it.
struct ReplySummary: Sendable, Equatable {
    var failure: TransportReply.Failure?
    var status = 0
    var body = ""
    var retryAfterSeconds: Int64?
    var date: UnixTime?
}

/// Collects answers; `wait` blocks for them.
final class Answers: Sendable {
    private let state = Monitor<[ReplySummary]>([])

    func add(_ reply: consuming TransportReply) {
        var summary = ReplySummary(failure: reply.failure, status: reply.status)
        summary.retryAfterSeconds = reply.retryAfterSeconds
        summary.date = reply.date?.moment
        if let body = reply.body.take() {
            summary.body = unsafe body.withUnsafeBytes {
                unsafe String(decoding: $0, as: UTF8.self)
            }
        }
        let finished = summary
        state.withLock { $0.append(finished) }
        state.broadcast()
    }

    var count: Int { state.withLock { $0.count } }

    func wait(for count: Int, milliseconds: Int = 10_000) -> [ReplySummary] {
        state.wait(milliseconds: milliseconds, until: { $0.count >= count }, then: { $0 })
    }
}

extension CurlTransport {
    static func forTests(caFile: String? = nil) throws -> CurlTransport {
        try CurlTransport(settings: Settings(caFile: caFile, allowsLoopbackHTTP: true))
    }

    @discardableResult
    func post(
        _ url: String, body: StaticString = "grant_type=refresh_token&refresh_token=r1",
        authorization: StaticString? = nil, deadlineMilliseconds: Int = 5000,
        listenMilliseconds: Int = 0, isReserved: Bool = false,
        overdue: TransportRequest.Overdue? = nil, into answers: Answers
    ) throws -> TransportRequest {
        var credentials: ClientCredentials?
        if let authorization {
            credentials = try authorization.description.lend { (span) throws(VaultError) in
                try ClientCredentials(authorization: span)
            }
        }
        let request = TransportRequest(
            url: url, credentials: credentials, body: try Secret(body),
            deadlineMilliseconds: deadlineMilliseconds, listenMilliseconds: listenMilliseconds,
            isReserved: isReserved, overdue: overdue, completion: { answers.add($0) })
        send(request)
        return request
    }

    func answer(
        _ url: String, authorization: StaticString? = nil, deadlineMilliseconds: Int = 5000
    ) throws -> ReplySummary {
        let answers = Answers()
        try post(
            url, authorization: authorization, deadlineMilliseconds: deadlineMilliseconds,
            into: answers)
        return try #require(answers.wait(for: 1).first)
    }
}

func elapsedMilliseconds(_ body: () throws -> Void) rethrows -> Int64 {
    let start = CurlQueue.monotonicMilliseconds()
    try body()
    return CurlQueue.monotonicMilliseconds() - start
}

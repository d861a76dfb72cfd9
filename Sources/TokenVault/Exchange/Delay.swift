// SPDX-License-Identifier: Apache-2.0

/// Why a request has to be made again later.
package enum Delay: Hashable, Sendable {
    /// The answer asks for patience, or is a fault of the server's: its HTTP status.
    case answered(status: Int)
    /// There was no answer, or none that is complete.
    case unanswered(TransportReply.Failure)

    /// The HTTP status; 0 where there was no answer.
    var status: Int {
        if case .answered(let status) = self { status } else { 0 }
    }

    /// Whether the provider may have acted on the request.
    var wasSent: Bool {
        switch self {
        case .answered, .unanswered(.lost), .unanswered(.deadlineExceeded), .unanswered(.tooLong):
            true
        case .unanswered: false
        }
    }

    /// The same for a caller: what it is, and the number that says more.
    var reason: (code: VaultError.Code, number: Int) {
        switch self {
        case .answered(let status): (.providerBusy, status)
        case .unanswered(.untrusted(let verifyResult)): (.certificateRefused, verifyResult)
        case .unanswered(.proxyFailed(let number)): (.proxyFailed, number)
        case .unanswered(.unreachable(Curl.codeNoCertificates)): (.certificateFileUnusable, 0)
        case .unanswered(.unreachable(let curlCode)): (.providerUnreachable, curlCode)
        case .unanswered(.lost(let curlCode)): (.answerLost, curlCode)
        case .unanswered(.deadlineExceeded): (.deadlineExceeded, 0)
        case .unanswered(.tooLong): (.providerAnswerUnreadable, 0)
        case .unanswered(.refused): (.endpointRefused, 0)
        case .unanswered(.tooManySecrets): (.tooManySecrets, 0)
        case .unanswered(.cancelled): (.cancelled, 0)
        }
    }

    /// What else is known of it.
    var detail: FailureDetail {
        switch self {
        case .unanswered(.refused(let cause)): FailureDetail(cause: cause)
        case .unanswered(.tooLong): FailureDetail(cause: .tooLong)
        case .unanswered(.proxyFailed): FailureDetail(subject: .proxy)
        default: FailureDetail()
        }
    }

    /// The same for the log: the HTTP status; where there was no answer curl's number, negative;
    /// of a proxy what `VaultError.Code.proxyFailed` says, with the proxy for its subject.
    var eventNumber: Int64 {
        switch self {
        case .answered(let status): Int64(status)
        case .unanswered(.untrusted(let verifyResult)):
            FailureNumber(curlCode: Curl.codeUntrusted, verifyResult: verifyResult).raw
        case .unanswered(.unreachable(let curlCode)): -Int64(curlCode)
        case .unanswered(.proxyFailed(let number)):
            FailureNumber(status: number, detail).raw
        case .unanswered(.lost(let curlCode)): -Int64(curlCode)
        case .unanswered(.deadlineExceeded): -Int64(Curl.codeTimedOut)
        case .unanswered(.tooLong): -Int64(Curl.codeTooLong)
        case .unanswered: 0
        }
    }
}

extension VaultError {
    /// What the log says of it, as `Delay.eventNumber` does.
    var eventNumber: Int64 {
        switch code {
        case .providerBusy, .providerRefused, .providerAnswerUnreadable, .applicationMisconfigured,
            .grantLost, .notRefreshable, .proxyFailed:
            FailureNumber(status: number, detail).raw
        case .flowDenied, .authorizationRefused:
            FailureNumber(status: 0, FailureDetail(error: providerError ?? .accessDenied)).raw
        case .providerUnreachable, .answerLost: FailureNumber(curlCode: number).raw
        case .certificateRefused:
            FailureNumber(curlCode: Curl.codeUntrusted, verifyResult: number).raw
        case .certificateFileUnusable: FailureNumber(curlCode: Curl.codeNoCertificates).raw
        case .deadlineExceeded: FailureNumber(curlCode: Curl.codeTimedOut).raw
        default: FailureNumber(status: 0, detail).raw
        }
    }

    /// - Parameter retryTime: what `Retry-After` asks for.
    init(_ delay: Delay, _ stage: Stage, retryTime: UnixTime? = nil) {
        let reason = delay.reason
        self.init(
            reason.code, stage, number: reason.number, detail: delay.detail,
            retryTime: retryTime)
    }
}

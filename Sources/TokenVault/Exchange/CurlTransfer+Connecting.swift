// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

// The way to a provider, and why it was not found.
extension CurlTransfer {
    /// Whether the proxy is on it.
    private var isProxied: Bool { proxy != nil && target == .network }

    /// Whether a socket may be opened. curl passes over an address that is refused; the request is
    /// where its host has no other one.
    func mayConnect(to address: RawSpan) -> Bool {
        guard failure == nil else { return false }
        guard
            let cause = addressGuard.refusal(
                socketAddress: address, for: isProxied ? .proxy : target)
        else {
            hasAddress = true
            return true
        }
        refusal = refusal ?? cause
        return false
    }

    /// Nil where the answer is complete.
    func failure(curlCode code: Int, status: Int) -> TransportReply.Failure? {
        if code == Curl.codeOK { return nil }
        switch stage {
        case .connecting:
            let refused = code == Curl.codeMalformedURL || code == Curl.codeUnsupportedProtocol
            if refused { return .refused(.malformedURL) }
            if let refusal, !hasAddress {
                return isProxied ? .proxyFailed(number: 0) : .refused(refusal)
            }
            if isProxied, let failure = proxyFailure(curlCode: code) { return failure }
            return code == Curl.codeUntrusted
                ? .untrusted(verifyResult: easy.verifyResult) : .unreachable(curlCode: code)
        case .sent, .paused:
            // Whatever became of its connection: nobody has the new token but us.
            if isWholeSuccess { return nil }
            if code == Curl.codeTimedOut { return .deadlineExceeded }
            // curl would have sent it again, and finds it wiped.
            return .lost(curlCode: code == Curl.codeCannotRewind ? Curl.codeGotNothing : code)
        }
    }

    /// Why a connection through the proxy did not come about; nil where the proxy has done what it
    /// can: what comes through the tunnel is the provider's.
    private func proxyFailure(curlCode: Int) -> TransportReply.Failure? {
        let status = easy.proxyStatus
        if (200..<300).contains(status) { return nil }
        return .proxyFailed(number: status == 0 ? curlCode : status)
    }
}

extension CurlEasy {
    /// Goes through a proxy, or straight where there is none, whatever the environment says
    /// (`https_proxy`, `ALL_PROXY`, `NO_PROXY`). It must outlive the handle's use. False where curl
    /// refuses.
    func setProxy(_ proxy: Proxy?) -> Bool {
        unsafe tv_proxy(handle, proxy?.url ?? "", proxy?.headers)
    }

    /// The HTTP status with which the proxy answered this request's CONNECT; 0 where it did not.
    fileprivate var proxyStatus: Int { unsafe tv_proxy_status(handle) }
}

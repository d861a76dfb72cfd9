// SPDX-License-Identifier: Apache-2.0

/// What a device authorization endpoint has answered.
enum DeviceAnswer: Sendable {
    case codes(DeviceReply)
    /// There is no code, for this reason.
    case failed(VaultError)

    /// - Parameter lifetimeSeconds: of a code whose answer does not say; nil where it must.
    init(_ reply: consuming TransportReply, lifetimeSeconds: Int64?) {
        var body = reply.failure == nil ? reply.body.take() : nil
        let (status, isForm) = (reply.status, reply.isForm)
        guard var object = body.take() else {
            self = .failed(Self.error(Verdict(reply)))
            return
        }
        if isForm, let read = FormReply.object(of: object) { object = read }
        guard (200..<300).contains(status), !Self.namesError(object) else {
            self = .failed(
                Self.error(
                    Verdict(
                        TransportReply(
                            status: status, body: object,
                            retryAfterSeconds: reply.retryAfterSeconds))))
            return
        }
        do throws(VaultError) {
            self = .codes(try DeviceReply(object.bytes, lifetimeSeconds: lifetimeSeconds))
        } catch {
            self = .failed(
                Self.error(error.code, status, FailureDetail(cause: error.detail.cause)))
        }
    }

    private static func namesError(_ body: borrowing Secret) -> Bool {
        guard let members = try? TokenReply.Members(body.bytes) else { return false }
        return members.error != nil
    }

    private static func error(_ verdict: consuming Verdict) -> VaultError {
        switch consume verdict {
        case .transient(let delay, _):
            let (code, number) = delay.reason
            return error(code, number, delay.detail)
        case .unsent: return error(.tooManySecrets)
        case .notAllowed(let cause): return error(.endpointRefused, 0, FailureDetail(cause: cause))
        case .applicationMisconfigured(let status, let named):
            return error(.applicationMisconfigured, status, FailureDetail(error: named))
        case .refused(let status, let named):
            return error(.providerRefused, status, FailureDetail(error: named))
        case .grantLost(let status):
            return error(.providerRefused, status, FailureDetail(error: .invalidGrant))
        case .grantLikelyLost(let status): return error(.providerRefused, status)
        case .unreadable(let status): return error(.providerAnswerUnreadable, status)
        // Tokens where a code was asked for.
        case .unread: return error(.providerAnswerUnreadable)
        case .tokens: return error(.providerAnswerUnreadable)
        }
    }

    private static func error(
        _ code: VaultError.Code, _ number: Int = 0, _ detail: FailureDetail = FailureDetail()
    ) -> VaultError {
        var detail = detail
        detail.subject = .deviceAuthorizationEndpoint
        return VaultError(code, .exchange, number: number, detail: detail)
    }
}

/// The codes of an answer, read and checked (RFC 8628 section 3.2).
final class DeviceReply: Sendable {
    let code: Secret
    let userCode: String
    let verificationURI: String
    let verificationURIComplete: String?
    /// How long the code lives, in seconds: an hour at most.
    let lifetimeSeconds: Int64
    /// How long is waited between two polls, in seconds.
    let intervalSeconds: Int64

    /// The longest user code, in bytes.
    static let userCodeBytesMax = 64
    /// The longest verification URI, in bytes.
    static let uriBytesMax = Provider.endpointBytesMax
    /// The interval where the answer has none, in seconds (RFC 8628 section 3.2).
    static let intervalSecondsDefault: Int64 = 5
    /// What of an interval is believed, in seconds.
    static let intervalSecondsRange: ClosedRange<Int64> = 1...60

    /// Reads an object. Strict, since people act on what it says: no member that is read may be
    /// there twice, a user code is 1 to 64 bytes of printable ASCII, a verification URI `https`, or
    /// `http` on a loopback address, without user information. One with the code in it that is no
    /// such URI is left out: it is a convenience.
    ///
    /// - Throws: `providerAnswerUnreadable`, `tooManySecrets`.
    init(_ body: RawSpan, lifetimeSeconds: Int64?) throws(VaultError) {
        var members = Members()
        try members.read(body)
        guard let code = members.code.take(), let userCode = members.userCode,
            let uri = members.uri ?? members.url,
            let lifetime = members.lifetimeSeconds ?? lifetimeSeconds, lifetime > 0
        else { throw Self.unusable(.missing) }
        guard !userCode.isEmpty, userCode.utf8.allSatisfy({ JSONText.isVisible($0) }) else {
            throw Self.unusable(.wrongCharacter)
        }
        guard userCode.utf8.count <= Self.userCodeBytesMax else { throw Self.unusable(.tooLong) }
        if let cause = AddressGuard.fault(ofShown: uri) { throw Self.unusable(cause) }
        self.code = code
        self.userCode = userCode
        verificationURI = uri
        verificationURIComplete = (members.uriComplete ?? members.urlComplete).flatMap { uri in
            AddressGuard.fault(ofShown: uri) == nil ? uri : nil
        }
        self.lifetimeSeconds = min(lifetime, Provider.DeviceGrant.lifetimeSecondsMax)
        let interval = members.intervalSeconds ?? Self.intervalSecondsDefault
        intervalSeconds = min(
            max(interval, Self.intervalSecondsRange.lowerBound),
            Self.intervalSecondsRange.upperBound)
    }

    fileprivate static func unusable(_ cause: FailureCause) -> VaultError {
        VaultError(.providerAnswerUnreadable, .exchange, cause)
    }

    /// The members as they are written.
    private struct Members: ~Copyable {
        var code: Secret?
        var userCode: String?
        var uri: String?
        var url: String?
        var uriComplete: String?
        var urlComplete: String?
        var lifetimeSeconds: Int64?
        var intervalSeconds: Int64?

        private static let names: [StaticString] = [
            "device_code", "user_code", "verification_uri", "verification_url",
            "verification_uri_complete", "verification_url_complete", "expires_in", "interval",
        ]

        mutating func read(_ body: RawSpan) throws(VaultError) {
            var scanner = try JSONScanner(body)
            var seen: Set<Int> = []
            while let member = try scanner.next() {
                guard let index = Self.index(of: member.name, in: scanner) else { continue }
                guard seen.insert(index).inserted else { throw unusable(.memberTwice) }
                let value = member.value
                switch index {
                case 0: code = try Self.secret(value, of: scanner)
                case 1: userCode = Self.text(value, of: scanner)
                case 2: uri = Self.text(value, of: scanner)
                case 3: url = Self.text(value, of: scanner)
                case 4: uriComplete = Self.text(value, of: scanner)
                case 5: urlComplete = Self.text(value, of: scanner)
                case 6: lifetimeSeconds = scanner.wholeNumber(value)
                default: intervalSeconds = scanner.wholeNumber(value)
                }
            }
        }

        private static func index(
            of name: JSONScanner.Value, in scanner: borrowing JSONScanner
        ) -> Int? {
            for (index, text) in names.enumerated() where scanner.isText(name, text) {
                return index
            }
            return nil
        }

        private static func text(
            _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
        ) -> String? {
            // An escape has 6 bytes at the most.
            guard value.kind == .string, value.range.count <= 6 * uriBytesMax else { return nil }
            return scanner.publicText(value)
        }

        private static func secret(
            _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
        ) throws(VaultError) -> Secret? {
            guard value.kind == .string, let count = scanner.visibleByteCount(value) else {
                throw unusable(.tokenNotText)
            }
            guard count > 0 else { return nil }
            guard count <= TokenRequest.deviceCodeBytesMax else { throw unusable(.tooLong) }
            var code = try Secret(capacity: count)
            var text = JSONText.Unescaped(scanner.written(value))
            while let byte = text.next() { _ = code.append(byte: byte) }
            return code
        }
    }
}

extension AddressGuard {
    /// Why an address is not to be shown to a person to be opened; nil where it may. Nothing is
    /// sent there, so it may be on the person's own network; plain `http` only on a loopback
    /// address, as practice servers have it.
    static func fault(ofShown uri: String) -> FailureCause? {
        guard uri.utf8.count <= DeviceReply.uriBytesMax else { return .tooLong }
        let shown = AddressGuard(
            allowsLoopback: true, allowedNetworks: AddressPrefix.everyPrivate)
        // A fragment goes nowhere, and leads nobody elsewhere.
        let address = uri.prefix { $0 != "#" }
        guard uri.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return .wrongCharacter }
        guard case .refused(let cause) = shown.judge(String(address)) else { return nil }
        return cause
    }
}

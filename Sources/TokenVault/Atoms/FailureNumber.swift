// SPDX-License-Identifier: Apache-2.0

/// A failure as one number of 31 bits, as logs and records keep it; `RecordFormat` says which bits.
/// Where nothing but an HTTP status, or curl's number, is known it is that.
package struct FailureNumber: Hashable, Sendable {
    package let raw: Int64

    package init(raw: Int64) { self.raw = raw }

    /// What was answered, or refused before anything was sent (status 0).
    package init(status: Int, _ detail: FailureDetail) {
        raw =
            Int64(max(0, min(status, Self.numberMax)))
            | Int64(detail.error?.rawValue ?? 0) << Self.errorShift
            | Int64(detail.cause?.rawValue ?? 0) << Self.causeShift
            | Int64(detail.subject?.rawValue ?? 0) << Self.subjectShift
    }

    /// Why there was no answer.
    package init(curlCode: Int, verifyResult: Int = 0) {
        raw =
            -(Int64(max(0, min(curlCode, Self.numberMax)))
            | Int64(UInt8(clamping: verifyResult)) << Self.errorShift)
    }

    /// Whether a refusal comes of what the application, or its provider's definition, says: of an
    /// address where there is no token endpoint, of a gateway before it, of the scopes, or of the
    /// grant type. No other grant mends that.
    package var isOfDefinition: Bool {
        switch detail.error {
        case .invalidScope, .unsupportedGrantType: true
        case nil:
            switch number {
            case 300..<400, 403, 404, 405, 410: true
            default: Self.isOfTheWay(number)
            }
        default: false
        }
    }

    /// Whether a status that comes without an error is about how a request arrived, whoever sent it
    /// and for which grant: its length, its type, a proxy on the way, a certificate of the client's
    /// (RFC 9110 section 15.5, RFC 6585, RFC 7725; 495 and 496 are nginx's).
    package static func isOfTheWay(_ status: some BinaryInteger) -> Bool {
        [406, 407, 411, 413, 414, 415, 417, 421, 426, 431, 451, 495, 496].contains(Int(status))
    }

    private static let numberMax = 0x3ff
    private static let errorShift: Int64 = 10
    private static let causeShift: Int64 = 18
    private static let subjectShift: Int64 = 26

    /// The HTTP status; curl's number, negative, where there was no answer.
    package var number: Int64 {
        raw < 0 ? -(-max(raw, -.max) & Int64(Self.numberMax)) : raw & Int64(Self.numberMax)
    }

    package var detail: FailureDetail {
        let bits = raw < 0 ? -max(raw, -.max) : raw
        let byte = UInt8(truncatingIfNeeded: bits >> Self.errorShift)
        if raw < 0 { return FailureDetail(verifyResult: Int(byte)) }
        return FailureDetail(
            error: OAuthError(rawValue: byte),
            cause: FailureCause(rawValue: UInt8(truncatingIfNeeded: bits >> Self.causeShift)),
            subject: FailureSubject(rawValue: UInt8(bits >> Self.subjectShift & 0x1f)))
    }
}

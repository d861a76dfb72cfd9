// SPDX-License-Identifier: Apache-2.0

/// What is known of a failure beyond its code: entries of fixed lists and OpenSSL's number, never a
/// text of a provider's.
public struct FailureDetail: Hashable, Sendable {
    /// The `error` of the answer.
    package var error: OAuthError?
    /// The rule that was broken.
    package var cause: FailureCause?
    /// What it is about.
    package var subject: FailureSubject?
    /// Why a certificate is not trusted: OpenSSL's number (`X509_V_ERR_...`); 0 where there is
    /// none.
    public internal(set) var verifyResult = 0

    package init(
        error: OAuthError? = nil, cause: FailureCause? = nil, subject: FailureSubject? = nil,
        verifyResult: Int = 0
    ) {
        self.error = error
        self.cause = cause
        self.subject = subject
        self.verifyResult = verifyResult
    }

    /// The `error` of the provider's answer (RFC 6749 section 5.2 and kin), where it is one of the
    /// registered codes.
    public var oauthError: String? {
        guard let error, error != .other else { return nil }
        return error.code.description
    }

    /// The rule that was broken, in one word such as `privateAddress`.
    public var causeName: String? { cause.map { "\($0)" } }

    /// What it is about, such as `token_endpoint`.
    public var subjectName: String? { subject?.name }
}

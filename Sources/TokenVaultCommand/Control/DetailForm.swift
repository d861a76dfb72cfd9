// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What else is known of a failure, as JSON has it: names of fixed lists. What is not known is left
/// out.
struct DetailForm: Codable, Sendable {
    /// The `error` of the provider's answer; `other` where it is not registered.
    var error: String?
    /// The rule that was broken.
    var cause: String?
    /// By what.
    var subject: String?
    /// Why a certificate is not trusted (`X509_V_ERR_...`).
    var verifyResult: Int?

    enum CodingKeys: String, CodingKey {
        case error, cause, subject
        case verifyResult = "verify_result"
    }

    /// Nil where nothing is known.
    init?(_ detail: FailureDetail) {
        guard detail != FailureDetail() else { return nil }
        error = detail.error.map { $0 == .other ? Self.other : $0.name }
        cause = detail.causeName
        subject = detail.subjectName
        verifyResult = detail.verifyResult == 0 ? nil : detail.verifyResult
    }

    private static let other = "other"

    var detail: FailureDetail {
        FailureDetail(
            error: error.flatMap { name in
                OAuthError.allCases.first { $0.name == name } ?? (name == Self.other ? .other : nil)
            },
            cause: cause.flatMap { name in FailureCause.allCases.first { "\($0)" == name } },
            subject: subject.flatMap { name in FailureSubject.allCases.first { $0.name == name } },
            verifyResult: verifyResult ?? 0)
    }
}

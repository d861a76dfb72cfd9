// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What lives on at the provider after a disconnect, why, and what to do about it.
struct UnrevokedTokens {
    private let receipt: ReceiptForm

    /// Nil where nothing does.
    init?(_ receipt: ReceiptForm) {
        guard receipt.tokensLiveOn else { return nil }
        self.receipt = receipt
    }

    private var isOfEarlierGrants: Bool {
        !receipt.refreshTokenLivesOn && !receipt.accessTokenLivesOn
    }

    /// Why; nil where the provider just does not do it.
    private var failure: RevocationFailureForm? {
        (receipt.refreshTokenLivesOn ? receipt.refreshTokenFailure : nil)
            ?? (receipt.accessTokenLivesOn ? receipt.accessTokenFailure : nil)
    }

    /// What goes on in the receipt's first line, after the id.
    var headline: String {
        if isOfEarlierGrants {
            return "but \(earlierGrants) may live on at the provider"
        }
        return failure == nil
            ? "but the provider does not revoke all of its tokens: they live on there"
            : "but the provider did not revoke all of its tokens: they live on there"
    }

    /// What happened, and what to do next.
    var remedy: String {
        if isOfEarlierGrants {
            return "erased here and revoked, but \(earlierGrants) from before it was connected "
                + "again may live on at the provider: look on its page of connected applications; "
                + "revokes_replaced_grant ends such grants when a user connects again"
        }
        var text = "erased here, but not revoked at the provider: \(cause)\(page)"
        if receipt.earlierGrants > 0 { text += "; so may \(earlierGrants)" }
        return text
    }

    private var earlierGrants: String {
        receipt.earlierGrants == 1 ? "1 earlier grant" : "\(receipt.earlierGrants) earlier grants"
    }

    /// Where the user ends what nobody else can.
    private var page: String {
        let end =
            receipt.accessTokenExpires.map {
                "the access token works until \($0.time.text)"
            } ?? "nobody knows until when the access token works"
        let expiry = receipt.accessTokenLivesOn ? "; otherwise \(end)" : ""
        return "end the grant on the provider's own page\(expiry)"
    }

    private var cause: String {
        guard let failure else {
            return "it has no revocation endpoint, or does not revoke such tokens: "
        }
        let detail = failure.detail?.detail ?? FailureDetail()
        let shown =
            EventNumber.text(failure: Int64(failure.number), detail).map { " (\($0))" } ?? ""
        let endpoint = "correct revocation_endpoint (`tokenvault app add --replace`), and "
        switch failure.number {
        case 0 where detail.subject == .applicationID:
            return "its application was removed before, so nobody could ask: "
        case 0 where detail.cause == .tokenUnreadable:
            return "an answer that could not be used names a newer token, which cannot be read: "
        case 0 where detail.cause == .valueUnknown:
            return "nothing was sent, for the provider's definition names a value in braces that "
                + "this connection does not have: correct revocation_endpoint or revocation "
                + "(`tokenvault app add --replace`), and "
        case 0 where detail.subject == .revocationEndpoint:
            return "nothing was sent, for the endpoint is not allowed\(shown): \(endpoint)"
        case 300..<400, 404, 405, 410:
            return "there is no revocation endpoint at the address that was asked\(shown): "
                + endpoint
        case 429, 500...: return "it is busy, or has a fault of its own\(shown): "
        case 200...: return "it refused\(shown): \(rejection(detail))"
        case ..<0: return "it cannot be reached\(shown): "
        default: return ""
        }
    }

    private func rejection(_ detail: FailureDetail) -> String {
        detail.error == .invalidClient
            ? "correct the client id, the secret or client_authentication (`tokenvault app add "
                + "--replace`), and "
            : "see there whether the application may revoke, and "
    }
}

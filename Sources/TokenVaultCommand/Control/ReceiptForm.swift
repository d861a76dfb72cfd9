// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What a disconnect did, as JSON has it.
struct ReceiptForm: Codable, Sendable {
    var id: String
    var refreshToken: String
    var accessToken: String
    /// Why a token was not revoked.
    var refreshTokenFailure: RevocationFailureForm?
    var accessTokenFailure: RevocationFailureForm?
    /// A token was not revoked and has not expired, or there may be earlier grants.
    var tokensLiveOn: Bool
    var refreshTokenLivesOn: Bool
    var accessTokenLivesOn: Bool
    /// When the access token expires by itself.
    var accessTokenExpires: Moment?
    var everyAnswerIn: Bool
    /// Until when an answer that was still out is listened for.
    var listensUntil: Moment?
    /// Grants before the last one that may live on at the provider.
    var earlierGrants: Int
    var erasedSlots: Int
    var erasure: String
    var completed: Moment

    enum CodingKeys: String, CodingKey {
        case id, erasure, completed
        case earlierGrants = "earlier_grants"
        case refreshToken = "refresh_token"
        case accessToken = "access_token"
        case refreshTokenFailure = "refresh_token_failure"
        case accessTokenFailure = "access_token_failure"
        case tokensLiveOn = "tokens_live_on"
        case refreshTokenLivesOn = "refresh_token_lives_on"
        case accessTokenLivesOn = "access_token_lives_on"
        case accessTokenExpires = "access_token_expires"
        case everyAnswerIn = "every_answer_in"
        case listensUntil = "listens_until"
        case erasedSlots = "erased_slots"
    }

    init(_ receipt: DisconnectReceipt) {
        id = receipt.connection.text
        refreshToken = Self.name(receipt.refreshToken)
        accessToken = Self.name(receipt.accessToken)
        refreshTokenFailure = RevocationFailureForm(receipt.refreshToken)
        accessTokenFailure = RevocationFailureForm(receipt.accessToken)
        tokensLiveOn = receipt.tokensLiveOn
        refreshTokenLivesOn = receipt.refreshTokenLivesOn
        accessTokenLivesOn = receipt.accessTokenLivesOn
        accessTokenExpires = receipt.accessTokenExpiry.map(Moment.init)
        earlierGrants = receipt.earlierGrants
        everyAnswerIn = receipt.isEveryAnswerIn
        listensUntil = receipt.listensUntil.map(Moment.init)
        erasedSlots = receipt.erasedSlots
        switch receipt.erasure {
        case .inPlace: erasure = "in place"
        case .bestEffort(let fileSystem):
            erasure = "best effort (file system \(String(fileSystem, radix: 16)))"
        }
        completed = Moment(receipt.completed)
    }

    private static func name(_ revocation: DisconnectReceipt.Revocation) -> String {
        switch revocation {
        case .notNeeded: "not needed"
        case .revoked: "revoked"
        case .unsupported: "unsupported"
        case .failed(let number, let detail):
            EventNumber.text(failure: Int64(number), detail).map { "failed (\($0))" } ?? "failed"
        }
    }
}

/// Why a token was not revoked, as JSON has it.
struct RevocationFailureForm: Codable, Sendable {
    /// The HTTP status; where no answer came curl's number, negative.
    var number: Int
    var detail: DetailForm?

    /// Nil where it did not fail.
    init?(_ revocation: DisconnectReceipt.Revocation) {
        guard case .failed(let number, let detail) = revocation else { return nil }
        self.number = number
        self.detail = DetailForm(detail)
    }
}

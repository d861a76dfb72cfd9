// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

/// How a provider says no: drawn from the seed, constant for a run.
struct Dialect {
    /// To a refresh whose grant is over.
    enum Loss: CaseIterable {
        /// 400 `invalid_grant`, as RFC 6749 section 5.2 has it.
        case standard
        /// 400 without a body.
        case empty
        /// 400 `invalid_request`.
        case invalidRequest
        /// 403 `unauthorized_client`.
        case unauthorizedClient
        /// 400 with an object that names no `error`.
        case status
    }

    /// To a wrong client secret.
    enum Rejection {
        /// 401 `invalid_client`.
        case standard
        /// The same as to a grant that is over.
        case asLoss
        /// 400 without a body, and the refresh token is used up.
        case burns
    }

    let loss: Loss
    let rejection: Rejection
    /// Whether the vault is told how it says that a grant is over, where that is not standard.
    let isListed: Bool

    /// What most of them speak.
    static let standard = Dialect(loss: .standard, rejection: .standard, isListed: false)

    private init(loss: Loss, rejection: Rejection, isListed: Bool) {
        (self.loss, self.rejection, self.isListed) = (loss, rejection, isListed)
    }

    init(_ random: inout SeededRandom) {
        loss = random.chance(40) ? .standard : Loss.allCases[random.below(Loss.allCases.count)]
        let isStandard = random.chance(50)
        rejection = isStandard ? .standard : random.chance(50) ? .burns : .asLoss
        isListed = loss != .standard && random.chance(50)
    }

    /// Whether what it says of a grant that is over may be said of a wrong client secret.
    var mayMeanApplication: Bool {
        switch loss {
        case .standard: false
        case .empty, .status, .invalidRequest, .unauthorizedClient: true
        }
    }

    /// What the vault is told.
    var lostAnswers: [Provider.GrantLostAnswer] {
        guard isListed else { return [] }
        return switch loss {
        case .standard: []
        case .empty, .status: [Provider.GrantLostAnswer(status: 400, error: nil)]
        case .invalidRequest: [Provider.GrantLostAnswer(status: 400, error: "invalid_request")]
        case .unauthorizedClient:
            [Provider.GrantLostAnswer(status: 403, error: "unauthorized_client")]
        }
    }

    /// To a refresh whose grant is over.
    var lost: Exchange.Answer {
        switch loss {
        case .standard: .error(400, "invalid_grant")
        case .empty: .text(400, "")
        case .invalidRequest: .error(400, "invalid_request")
        case .unauthorizedClient: .error(403, "unauthorized_client")
        case .status: .text(400, #"{"status":"token_not_found","message":"no such token"}"#)
        }
    }

    /// To a wrong client secret.
    var rejected: Exchange.Answer {
        switch rejection {
        case .standard: .error(401, "invalid_client")
        case .asLoss: loss == .standard ? .error(401, "invalid_client") : lost
        case .burns: .text(400, "")
        }
    }
}

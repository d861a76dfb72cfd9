// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import TokenVault

/// A column of the table: what a connection goes through.
enum PlayedCell: String, CaseIterable, Sendable {
    case connect
    case tokenShape = "token shape"
    case refresh
    case rotation
    case expiry = "expiry source"
    case grantLost = "grant lost"
    case looksLost = "looks lost, is not"
    case revoke
    case captured

    /// What it rests on.
    var subject: ProviderSimulator.Provider.Subject {
        switch self {
        case .connect: .connect
        case .tokenShape: .tokenShape
        case .refresh: .refresh
        case .rotation: .rotation
        case .expiry: .expiry
        case .grantLost: .grantLost
        case .looksLost: .looksLost
        case .revoke: .revocation
        case .captured: .captured
        }
    }

    /// Tries it.
    ///
    /// - Throws: `CellFailure`, or whatever the vault threw.
    func run(on stage: PlayedStage) async throws {
        switch self {
        case .connect: try await Self.connect(stage)
        case .tokenShape: try await Self.tokenShape(stage)
        case .refresh: try await Self.refresh(stage)
        case .rotation: try await Self.rotation(stage)
        case .expiry: try await Self.expiry(stage)
        case .grantLost: try await Self.grantLost(stage)
        case .looksLost: try await Self.looksLost(stage)
        case .revoke: try await Self.revoke(stage)
        case .captured: try await Self.captured(stage)
        }
    }

    private static func connect(_ stage: PlayedStage) async throws {
        let id = try await stage.connect()
        let status = try stage.vault.status(id)
        try CellFailure.require(
            status?.light == .yellow && status?.nextStep == ConnectionStatus.NextStep.none,
            "the connection is \(status.map { "\($0)" } ?? "not there")")
        try CellFailure.require(
            status?.account == stage.shipped.account, "account \(status?.account ?? "none")")
    }

    private static func tokenShape(_ stage: PlayedStage) async throws {
        let id = try await stage.connect()
        let token = try await stage.token(id)
        try CellFailure.require(
            stage.simulator.tokens(ofUser: "ada").contains(token)
                && !stage.refreshTokens(of: "ada").contains(token),
            "the token is not the provider's")
        let scope = try stage.vault.status(id)?.grantedScope
        try CellFailure.require(
            scope == stage.shipped.grantedScope, "scope \(scope ?? "none")")
    }

    private static func refresh(_ stage: PlayedStage) async throws {
        let id = try await stage.connect()
        let first = try await stage.token(id)
        try await stage.vault.refresh(id)
        let second = try await stage.token(id)
        try CellFailure.require(
            first != second && stage.simulator.tokens(ofUser: "ada").contains(second),
            "the refresh brought no new token")
        let count = try stage.vault.status(id)?.refreshCount
        try CellFailure.require(count == 1, "refreshed \(count ?? 0) times")
        guard let lifetime = stage.shipped.laterLifetime ?? stage.shipped.lifetime else { return }
        // A token that is exchanged must still live; any other may be over.
        let isExchanged = stage.refreshTokens(of: "ada").isEmpty
        stage.advance(seconds: isExchanged ? lifetime - 60 : lifetime + 60)
        if isExchanged { try await stage.vault.refresh(id) }
        try await stage.recoverIfNeeded(id)
        let third = try await stage.token(id)
        try CellFailure.require(
            third != second && stage.simulator.tokens(ofUser: "ada").contains(third),
            "a token that has expired is lent")
    }

    private static func rotation(_ stage: PlayedStage) async throws {
        let id = try await stage.connect()
        let before = stage.refreshTokens(of: "ada").count
        for _ in 0..<3 { try await stage.vault.refresh(id) }
        let count = stage.refreshTokens(of: "ada").count - before
        switch stage.shipped.rotation {
        case .never: try CellFailure.require(count == 0, "\(count) refresh tokens came")
        case .always: try CellFailure.require(count == 3, "\(count) refresh tokens came")
        case .after(let seconds):
            try CellFailure.require(count == 0, "\(count) refresh tokens came")
            stage.advance(seconds: seconds + 60)
            for _ in 0..<2 { try await stage.recoverIfNeeded(id) }
            try await stage.vault.refresh(id)
            let later = stage.refreshTokens(of: "ada").count - before
            try CellFailure.require(later == 1, "\(later) refresh tokens came later")
        }
        guard stage.shipped.forgivesLostAnswers else { return }
        stage.simulator.set(fault: .closedWithoutReply, replies: 1)
        let failure = await stage.failure(refreshing: id)
        try CellFailure.require(failure != nil, "an answer was lost, and nobody noticed")
        stage.advance(seconds: 60)
        try await stage.recover(id)
        let token = try await stage.token(id)
        try CellFailure.require(
            stage.simulator.tokens(ofUser: "ada").contains(token),
            "after a lost answer the token is not the provider's")
    }

    private static func expiry(_ stage: PlayedStage) async throws {
        let id = try await stage.connect()
        try checkExpiry(stage, id, stage.shipped.lifetime)
        if let seconds = stage.shipped.refreshTokenLifetime {
            let end = try stage.vault.status(id)?.refreshTokenExpiry
            let left = end.map { Int($0.milliseconds(since: stage.now) / 1000) }
            try CellFailure.require(
                left.map { abs($0 - seconds) <= 30 } ?? false,
                "the refresh token ends in \(left.map { "\($0) s" } ?? "no known time")")
        }
        guard stage.refreshes else { return }
        try await stage.vault.refresh(id)
        try checkExpiry(stage, id, stage.shipped.laterLifetime ?? stage.shipped.lifetime)
    }

    private static func checkExpiry(
        _ stage: PlayedStage, _ id: ConnectionID, _ lifetime: Int?
    ) throws {
        let status = try stage.vault.status(id)
        let source = status?.expirySource
        try CellFailure.require(
            source == stage.shipped.source, "source \(source.map { "\($0)" } ?? "none")")
        let left = status?.accessTokenExpiry.map { Int($0.milliseconds(since: stage.now) / 1000) }
        let isRight =
            if let lifetime { left.map { abs($0 - lifetime) <= 30 } ?? false } else { left == nil }
        try CellFailure.require(
            isRight, "the token expires in \(left.map { "\($0) s" } ?? "no known time")")
    }

    private static func grantLost(_ stage: PlayedStage) async throws {
        let other = try await stage.connect("other")
        let count = stage.played.ownAnswers.count { $0.meaning == .grantLost }
        try CellFailure.require(count > 0, "no answer to try")
        for answer in stage.played.ownAnswers where answer.meaning == .grantLost {
            let user = "lost-by-\(answer.name)"
            let id = try await stage.connect(user)
            stage.simulator.set(fault: .answer(answer.name))
            let last = await stage.failure(refreshing: id)
            // Whoever asks once more is told the same.
            stage.simulator.revoke(user: user)
            stage.simulator.set(fault: nil)
            try await lose(stage, id, other, last, answer.name)
        }
        let id = try await stage.connect("revoked")
        stage.simulator.revoke(user: "revoked")
        let last = await stage.failure(refreshing: id)
        try await lose(stage, id, other, last, "the person's own revocation")
    }

    /// Refreshes a connection whose grant is lost until the vault says so. What may be the
    /// application's fault as well it believes once another connection was refreshed since.
    private static func lose(
        _ stage: PlayedStage, _ id: ConnectionID, _ other: ConnectionID, _ first: VaultError?,
        _ name: String
    ) async throws {
        var last = first
        var codes: [String] = []
        for _ in 0..<6 {
            try CellFailure.require(
                last != nil, "\(name): it was refreshed after \(codes)")
            if let last { codes.append("\(last)") }
            if last?.code == .grantLost { break }
            _ = await stage.failure(refreshing: other)
            stage.advance(seconds: 60)
            last = await stage.failure(refreshing: id)
        }
        let status = try stage.vault.status(id)
        try CellFailure.require(
            last?.code == .grantLost && status?.light == .red && status?.nextStep == .reconnect,
            "\(name): \(last.map { "\($0)" } ?? "")")
        try await stage.recover(other)
    }

    private static func looksLost(_ stage: PlayedStage) async throws {
        let answers = stage.played.answersThatLookLost
        try CellFailure.require(!answers.isEmpty, "no answer to try")
        for answer in answers {
            let id = try await stage.connect("held-by-\(answer.name)")
            stage.simulator.set(fault: .answer(answer.name))
            for _ in 0..<3 {
                let failure = await stage.failure(refreshing: id)
                let status = try stage.vault.status(id)
                try CellFailure.require(
                    failure != nil && failure?.code != .grantLost
                        && status?.nextStep != .reconnect,
                    "\(answer.name): \(failure.map { "\($0)" } ?? "it was refreshed")")
                stage.advance(seconds: 30)
            }
            stage.simulator.set(fault: nil)
            do {
                try await stage.recover(id)
            } catch {
                throw CellFailure("\(answer.name): \(error)")
            }
        }
    }

    private static func revoke(_ stage: PlayedStage) async throws {
        for isExpired in [false, true] {
            let user = isExpired ? "expired" : "fresh"
            let id = try await stage.connect(user)
            // What cannot be refreshed when it has expired cannot be revoked by it either.
            if isExpired, let lifetime = stage.shipped.lifetime,
                !stage.refreshTokens(of: user).isEmpty
            {
                stage.advance(seconds: lifetime + 60)
            }
            let receipt = try await stage.vault.disconnect(id)
            let outcomes = [receipt.refreshToken, receipt.accessToken]
            let isRevoked =
                outcomes.contains(.revoked)
                && outcomes.allSatisfy { $0 == .revoked || $0 == .notNeeded || $0 == .unsupported }
            try CellFailure.require(isRevoked, "\(user): \(outcomes)")
            try CellFailure.require(!stage.isAlive(user), "\(user): the grant lives on")
            let isWhole = stage.provider.revocation?.endsGrant ?? false
            try CellFailure.require(
                !isWhole || !receipt.tokensLiveOn, "\(user): a token is said to live on")
        }
    }

    private static func captured(_ stage: PlayedStage) async throws {
        let id = try await stage.connect()
        try CellFailure.require(!stage.shipped.captured.isEmpty, "nothing to look for")
        for turn in ["when it was connected", "after a refresh"] {
            let captured = try stage.vault.values(id)?.captured ?? [:]
            for (name, wanted) in stage.shipped.captured {
                let value = captured[name]
                try CellFailure.require(
                    value.map { !$0.isEmpty && $0 == wanted ?? $0 } ?? false,
                    "\(name) is \(value ?? "not there") \(turn)")
            }
            guard stage.refreshes else { return }
            try await stage.vault.refresh(id)
        }
    }
}

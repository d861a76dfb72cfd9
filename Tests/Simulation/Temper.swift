// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

/// What kind of provider it is: drawn from the seed, constant for a run.
struct Temper {
    enum Rotation: Equatable {
        /// A new refresh token each time; the old one, presented again, ends the grant.
        case strict
        /// The same, but the old one still works for so long.
        case grace(milliseconds: Int64)
        /// Always the same refresh token.
        case none
        /// A new one in one of three refreshes; the old one ends the grant from then on.
        case sometimes
    }

    let lifetimeMilliseconds: Int64
    let rotation: Rotation
    let saysLifetime: Bool
    let saysRefreshLifetime: Bool
    let idleMilliseconds: Int64?
    let ageMilliseconds: Int64?
    let concurrencyMax: Int
    let perSecondMax: Int
    let latencyMilliseconds: ClosedRange<Int>
    let hasRevocation: Bool
    /// Whether all connections expire in the same second at first.
    let hasHerd: Bool
    let connections: Int
    /// How it says no.
    let dialect: Dialect
    /// Whether the vault is told how refresh tokens rotate here; where not, it has to expect that
    /// they always do.
    let statesRotation: Bool
    /// How long the vault is told to wait for an answer, in seconds.
    let listenSeconds: Int64
    /// The least time between two refreshes of one connection, in seconds.
    let between: Double

    /// Lifetimes that providers have, in seconds.
    static let lifetimes: [Int64] = [60, 300, 900, 1800, 3600, 7200, 28800, 86400]
    static let rotations: [Rotation] = [
        .strict, .strict, .grace(milliseconds: 1_800_000), .grace(milliseconds: 600_000),
        .grace(milliseconds: 60_000), .none, .sometimes,
    ]
    /// How long answers are waited for, in seconds: the vault's own default among them.
    static let listening: [Int64] = [60, Provider.listenSecondsDefault, 900]
    /// Of a lifetime, the least that passes between two refreshes: margin and jitter are the rest.
    static let betweenRefreshes = 0.65
    /// The same of a refresh token's idle time.
    static let betweenKeepAlives = 0.4
    /// How much faster a provider is than its connections need: else nobody could keep up.
    static let headroom = 4.0
    /// How long all of a provider's connections, one after the other, may take, in seconds.
    static let drainSecondsMax = 1200.0

    /// - Parameter isLast: whether it has to take all of its share, however many that are: then its
    ///   tokens live long enough.
    init(
        _ random: inout SeededRandom, _ scenario: Scenario, share: Int, providers: Int,
        isLast: Bool
    ) {
        let perSecond =
            Double(scenario.refreshesMax) / Double(providers) / (Double(scenario.hours) * 3600)
        let fitting = Self.lifetimes.filter {
            !isLast || perSecond * Self.betweenRefreshes * Double($0) >= Double(share)
        }
        let lifetime = fitting.isEmpty ? 86400 : fitting[random.below(fitting.count)]
        lifetimeMilliseconds = lifetime * 1000
        rotation = Self.rotations[random.below(Self.rotations.count)]
        saysLifetime = random.below(6) > 0
        saysRefreshLifetime = random.below(3) == 0
        let hour: Int64 = 3_600_000
        // Longer than an access token lives, or shorter: then the refresh token sets the pace.
        let idle = random.below(2) == 0 ? 3 * lifetimeMilliseconds : lifetimeMilliseconds / 2
        idleMilliseconds = random.chance(40) ? max(idle, hour) : nil
        ageMilliseconds = random.chance(20) ? Int64(24 + random.below(480)) * hour : nil
        let fastest = 20 + random.below(200)
        latencyMilliseconds = fastest...(fastest * 2 + random.below(300))
        let pace = min(
            Self.betweenRefreshes * Double(lifetime),
            Self.betweenKeepAlives * Double(idleMilliseconds ?? .max) / 1000)
        between = pace
        connections = isLast ? share : max(1, min(share, Int(perSecond * pace)))
        let demand = Double(connections) / pace
        let need = max(Self.headroom * demand, Double(connections) / Self.drainSecondsMax)
        let latency = Double(latencyMilliseconds.upperBound) / 1000
        let choices = [2, 4, 8, 16]
        let limits = [5, 10, 20, 50, 100, 200]
        // A few let so many in that the listeners of all of them are too many.
        let isWide = random.chance(scenario.widePercent) && scenario.has(.lateAnswers)
        concurrencyMax = max(
            isWide ? 400 : choices[random.below(4)], Int((need * latency).rounded(.up)))
        perSecondMax = max(isWide ? 200 : limits[random.below(6)], Int(need.rounded(.up)))
        hasRevocation = random.chance(70)
        let capacity = min(Double(perSecondMax), Double(concurrencyMax) / latency)
        let margin = min(300, Double(lifetime) / 4)
        dialect = scenario.has(.dialects) ? Dialect(&random) : .standard
        statesRotation = random.chance(50)
        listenSeconds = Self.listening[random.below(Self.listening.count)]
        hasHerd = random.chance(40) && Double(connections) / capacity < margin / 2
    }

    var rotates: Bool { rotation != .none }
    /// What the vault is told.
    var statedRotation: Provider.Rotation {
        guard statesRotation else { return .always }
        return switch rotation {
        case .strict, .grace: .always
        case .none: .never
        case .sometimes: .sometimes
        }
    }
    /// Whether nothing but the answer to a refresh may hold the refresh token, as the vault is
    /// told.
    var isListenedTo: Bool { statedRotation != .never && graceMilliseconds == 0 }
    var graceMilliseconds: Int64 {
        if case .grace(let milliseconds) = rotation { milliseconds } else { 0 }
    }
    /// Requests in a second that the limits let through as the vault keeps them, the slowest
    /// answers and a new connection for each counted.
    var capacityPerSecond: Double {
        let limits = Governor.Limits(concurrentMax: concurrencyMax, perSecondMax: perSecondMax)
        let slowest = Double(latencyMilliseconds.upperBound) + 60
        return min(Double(limits.refillPerSecond), 1000 * Double(concurrencyMax) / slowest)
    }
    /// How long it takes until every connection was refreshed once, beside what comes due
    /// meanwhile, in milliseconds.
    var drainMilliseconds: Int64 {
        let load = Double(connections) / between
        return Int64(1000 * Double(connections) / max(capacityPerSecond - load, 0.1))
    }
}

// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import Simulation
@testable import TokenVault

extension Rig {
    /// For so long whatever is out is answered at once, in its order, and what is due leaves.
    func answerAll(
        milliseconds: Int64, _ reply: (HeldNetwork.Held) throws -> TransportReply
    ) throws {
        let end = clock.now + milliseconds
        while true {
            try flush()
            while let held = network.open.first {
                held.request.answer(try reply(held))
                try flush()
            }
            guard clock.now < end else { return }
            let sleep = try settle() ?? milliseconds
            try advance(milliseconds: min(max(1, sleep), end - clock.now))
        }
    }

    /// How often a connection was asked.
    func askedCount(_ connection: Int) -> Int {
        network.all.count { $0.connection == connection }
    }

    /// Puts the application of all connections with another client secret, and perhaps more.
    func putApplication(
        _ name: String = "app", secret: Int64, isAwaited: Bool = true,
        _ change: (inout Application) throws -> Void = { _ in }
    ) throws -> Errand {
        var application = try vault.store.application(ApplicationID(name))
        application.clientSecret = try Secret(text: TokenText(.secret, 0, secret).text)
        try change(&application)
        let kept = Kept(application)
        let errand = try call { vault in
            if let application = kept.application.withLock({ $0.take() }) {
                try await vault.put(application)
            }
        }
        if isAwaited { try flush() }
        return errand
    }

    private final class Kept: Sendable {
        let application: Monitor<Application?>
        init(_ application: consuming Application) { self.application = Monitor(application) }
    }
}

/// A server that says no more than 400 of a wrong client secret, and of a lost grant the same; it
/// burns the refresh token that it is shown with a wrong secret.
final class BurningServer {
    var secret: Int64 = 1
    private(set) var dead: Set<Int> = []
    /// Those that it burnt, in order.
    private(set) var burnt: [Int] = []
    /// Whom it was asked for by somebody whom it takes.
    private(set) var served: [Int] = []

    init(dead: Set<Int> = []) { self.dead = dead }

    /// The user withdraws a grant.
    func lose(_ connection: Int) { dead.insert(connection) }

    func reply(_ held: HeldNetwork.Held) throws -> TransportReply {
        if held.secret != secret {
            if dead.insert(held.connection).inserted { burnt.append(held.connection) }
            return TransportReply(status: 400, body: nil)
        }
        if dead.contains(held.connection) { return TransportReply(status: 400, body: nil) }
        served.append(held.connection)
        return try Rig.tokens(held.connection, held.serial + 1)
    }
}

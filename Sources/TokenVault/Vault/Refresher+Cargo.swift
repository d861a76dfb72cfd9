// SPDX-License-Identifier: Apache-2.0

// Tokens that came and cannot be stored: not yet, or not ever.
extension Refresher {
    /// Tokens on their way into the store, kept whole until they are durable or not wanted.
    final class Cargo: Sendable {
        let tokens: TokenSet
        init(_ tokens: consuming TokenSet) { self.tokens = tokens }
    }

    /// New tokens that cannot be stored at this moment: the callers are told, but the flight stays
    /// out with its cargo, so that the old refresh token is not presented again, and is stored as
    /// soon as that works.
    func strand(_ sent: Sent, _ cargo: Cargo, _ error: VaultError) {
        let waiting = shared.withLock { shared -> [Waiter] in
            shared.stranded.append(Stranded { [self] in store(sent, cargo) })
            return shared.upkeep.dismissWaiters(sent.flight).compactMap {
                shared.waiters.removeValue(forKey: $0)
            }
        }
        for waiter in waiting { waiter.resume(.failure(error)) }
        alarm.ring()
    }

    /// The life that asked is over: what came is revoked, never stored.
    func landLate(_ sent: Sent, _ cargo: Cargo) {
        do throws(VaultError) {
            let application = try store.application(sent.application)
            let revocation = Revocation(network)
            try revocation.send(application, cargo.tokens) { [self] _ in endLate(sent) }
        } catch {
            endLate(sent)
        }
    }

    func endLate(_ sent: Sent) {
        let entry = EventEntry(time: time.now(), key: sent.flight.key, kind: .lateAnswer)
        let commit = Commit { [self] _ in
            publish(.lateAnswer, sent.id)
            finishElsewhere(sent.flight)
        }
        endAttempt(sent.flight, commit)
        commit.add(.event(entry))
        committer.submit(commit)
    }
}

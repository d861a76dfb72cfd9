// SPDX-License-Identifier: Apache-2.0

// The wall clock may be set while the vault is open: see `ClockAnchor` for what follows.
extension Refresher {
    /// Follows a step back, where there was one: nothing comes later for it, and no token lives
    /// longer.
    func followClock() {
        let step = time.stepBack()
        guard step > 0 else { return }
        let stored: UInt64
        do throws(VaultError) {
            stored = try store.lastGeneration()
        } catch {
            // At the next turn. Until then the clock goes on as before.
            return
        }
        // First, so that nobody sees the clock of now without it.
        stepsBack.add(upTo: stored, milliseconds: step)
        shared.withLock { shared in
            shared.move(milliseconds: -step)
            time.follow(stepBack: step)
        }
    }

    /// The time now, by the clock by which tokens of this generation were stored.
    func now(asOf generation: UInt64) -> UnixTime {
        let now = time.now()
        return now.adding(milliseconds: stepsBack.lag(generation))
    }
}

extension Refresher.Shared {
    /// Moves all moments by so many milliseconds.
    fileprivate mutating func move(milliseconds: Int64) {
        upkeep.move(milliseconds: milliseconds)
        doubts.move(milliseconds: milliseconds)
        for index in timers.indices {
            timers[index].moment = timers[index].moment.adding(milliseconds: milliseconds)
        }
    }
}

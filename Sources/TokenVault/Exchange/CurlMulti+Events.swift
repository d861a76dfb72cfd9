// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

// The sockets of the transfers, and the sleep until one of them has something.
extension CurlMulti {
    /// Does what can be done without waiting. True where there was something.
    @discardableResult
    func perform() -> Bool { unsafe tv_events_serve(events) }
    /// Ends `poll` at this moment of `CurlQueue.bootMilliseconds`, or before.
    func alarm(at moment: Int64) { unsafe tv_events_alarm(events, moment) }
    /// Whether a transfer that stands still leaves bytes in its socket.
    func setHolding(_ isOn: Bool) { unsafe tv_events_hold(events, isOn) }
    /// Sleeps until there is something to do, or somebody wakes it, or the time is over.
    func poll(milliseconds: Int) { unsafe tv_events_wait(events, Int64(milliseconds)) }
    /// Ends `poll`, or the next one. From any thread.
    func wake() { unsafe tv_events_wake(events) }
}

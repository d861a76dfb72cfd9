// SPDX-License-Identifier: Apache-2.0

// What is to be done later, and who waits for that.
extension Refresher {
    /// Something to do at a moment; when the vault is closed, at once.
    struct Timer {
        var moment: UnixTime
        /// Whether something is to be sent then: it is done at once when nothing is sent any more.
        let isForSending: Bool
        let action: @Sendable () -> Void
    }

    /// Runs `action` on the upkeep thread after so many milliseconds; when the vault is closed, or
    /// drained where it is `forSending`, at once, on the thread that does that. False, and nothing
    /// is run, where it is so already.
    @discardableResult
    func after(
        milliseconds: Int64, forSending: Bool = false, _ action: @escaping @Sendable () -> Void
    ) -> Bool {
        let moment = time.now().adding(milliseconds: milliseconds)
        let isKept = shared.withLock { shared in
            guard !shared.isOver(forSending: forSending) else { return false }
            shared.timers.append(
                Timer(moment: moment, isForSending: forSending, action: action))
            return true
        }
        alarm.ring()
        return isKept
    }

    /// Waits for so many milliseconds. False where the vault is closed by then, or drained where
    /// something is to be sent.
    func pause(milliseconds: Int64, forSending: Bool = false) async -> Bool {
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Bool, Never>) in
            let isKept = after(milliseconds: milliseconds, forSending: forSending) { [self] in
                let isOver = shared.withLock { $0.isOver(forSending: forSending) }
                unsafe continuation.resume(returning: !isOver)
            }
            if !isKept { unsafe continuation.resume(returning: false) }
        }
    }

    /// Waits until one of those that `begin` tells has ended; the others find it done.
    func first<Result: Sendable>(
        _ begin: (_ end: @escaping @Sendable (Result) -> Void) -> Void
    ) async -> Result {
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Result, Never>) in
            let isDone = Monitor(false)
            begin { result in
                let isFirst = isDone.withLock { isDone in
                    defer { isDone = true }
                    return !isDone
                }
                if isFirst { unsafe continuation.resume(returning: result) }
            }
        }
    }

    /// Does what is due.
    func expireTimers() {
        let now = time.now()
        let expired = shared.withLock { shared -> [Timer] in
            guard shared.timers.contains(where: { $0.moment <= now }) else { return [] }
            return shared.takeTimers { $0.moment <= now }
        }
        for timer in expired { timer.action() }
    }
}

extension Refresher.Shared {
    /// Takes out those that fit.
    mutating func takeTimers(where fits: (Refresher.Timer) -> Bool) -> [Refresher.Timer] {
        let taken = timers.filter(fits)
        timers.removeAll(where: fits)
        return taken
    }

    func isOver(forSending: Bool) -> Bool { forSending ? sendsNothing : isClosed }
}

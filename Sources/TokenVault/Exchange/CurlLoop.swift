// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
import Glibc

/// The transport's thread: takes requests, lets curl work, answers, sleeps. It polls nothing while
/// it is idle.
final class CurlLoop {
    private let queue: CurlQueue
    private let multi: CurlMulti
    private let settings: CurlTransport.Settings
    private let held = CurlTransfer.Held()
    private var active: [CurlTransfer] = []
    private var idle: [CurlTransfer] = []
    private var waiting = CurlQueue.Waiting()
    /// How many that are no refreshes are active.
    private var reservedCount = 0
    /// No transfer's deadline is before this moment.
    private var nextDeadline = Int64.max
    /// Since when no block was free for the next request, on the monotonic clock.
    private var starvedSince: Int64?
    private var ended: [(transfer: CurlTransfer, code: Int)] = []
    private var somethingEnded = false

    /// Handles kept for reuse; more are there only while they work.
    private static let idleMax = 256
    /// The longest sleep, in milliseconds.
    private static let sleepMilliseconds = 3_600_000
    /// How often the sockets are looked at, at most, before the clock is.
    private static let looksMax = 1024

    init(queue: CurlQueue, settings: CurlTransport.Settings) {
        self.queue = queue
        self.settings = settings
        multi = queue.multi
    }

    /// Runs until the queue is closed and everything is answered.
    func run() {
        Self.blockSignals()
        WorkerThread.neverWaitsForSecrets()
        while true {
            if let ending = queue.take(into: &waiting) { return finish(ending) }
            admit()
            turn()
            let room = CurlQueue.Room(
                forRefreshes: waiting.refreshes.isEmpty && hasRoomForRefresh,
                forReserved: waiting.reserved.isEmpty && hasRoom)
            if queue.maySleep(room) { sleep() }
        }
    }

    // A host's handlers are not for this thread, and a TLS library that writes to a closed socket
    // must not end the process.
    private static func blockSignals() {
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    // MARK: In

    private var hasRoom: Bool { active.count < settings.inFlightMax }
    private var hasRoomForRefresh: Bool {
        hasRoom && active.count - reservedCount < settings.inFlightMax - settings.reservedMax
    }

    private func admit() {
        while hasRoom, let request = waiting.reserved.last {
            guard admit(request) else { return }
            waiting.reserved.removeLast()
        }
        while hasRoomForRefresh, let request = waiting.refreshes.last {
            guard admit(request) else { return }
            waiting.refreshes.removeLast()
        }
    }

    /// Begins a request, or answers it. False where it has to wait for a block.
    private func admit(_ request: TransportRequest) -> Bool {
        if request.isAnswered { return true }
        guard let reply = Secret(roomFor: CurlTransfer.replyBytes) else {
            guard isStarved() else { return false }
            request.answer(TransportReply(failure: .tooManySecrets))
            return true
        }
        starvedSince = nil
        start(request, reply)
        return true
    }

    private func isStarved() -> Bool {
        let now = CurlQueue.monotonicMilliseconds()
        let since = starvedSince ?? now
        starvedSince = since
        return now - since >= settings.blockMilliseconds
    }

    private func start(_ request: TransportRequest, _ reply: consuming Secret) {
        guard
            let transfer = idle.popLast()
                ?? CurlTransfer(settings: settings, held: held, multi: multi)
        else {
            let failure = TransportReply.Failure.unreachable(curlCode: Curl.codeFailedInit)
            request.answer(TransportReply(failure: failure))
            return
        }
        guard transfer.begin(request, reply: reply, now: CurlQueue.bootMilliseconds()) else {
            idle.append(transfer)
            return
        }
        nextDeadline = min(nextDeadline, transfer.deadline)
        transfer.position = active.count
        active.append(transfer)
        if request.isReserved { reservedCount += 1 }
        if !transfer.add() { retire(transfer, curlCode: Curl.codeFailedInit) }
    }

    // MARK: Out

    /// One turn of everything that can be done without waiting.
    private func turn() {
        multi.perform()
        retireEnded()
        attendHeld()
        if nextDeadline < .max { attendDeadlines() }
        // Plaintext went through this thread's stack and vector registers.
        if somethingEnded { tv_scrub_large() }
        somethingEnded = false
    }

    /// What followed from a `perform`.
    private func retireEnded() {
        if !held.sending.isEmpty { held.sending.removeAll { $0.wipeIfSent() } }
        // curl looks through what is still to be read for every handle that is removed: read first.
        while let transfer = multi.nextEnded() { ended.append(transfer) }
        for (transfer, code) in ended { retire(transfer, curlCode: code) }
        ended.removeAll(keepingCapacity: true)
    }

    private func retire(_ transfer: CurlTransfer, curlCode: Int) {
        transfer.remove()
        let last = active.removeLast()
        if last !== transfer {
            active[transfer.position] = last
            last.position = transfer.position
        }
        somethingEnded = true
        if transfer.request?.isReserved ?? false { reservedCount -= 1 }
        transfer.end(curlCode: curlCode)
        if idle.count < Self.idleMax { idle.append(transfer) }
    }

    private func attendHeld() {
        guard !held.transfers.isEmpty else { return }
        // One that goes on may be held again at once.
        let paused = held.transfers
        held.transfers = []
        for transfer in paused {
            if transfer.resumeIfPossible() {
                nextDeadline = min(nextDeadline, transfer.deadline)
            } else {
                held.transfers.append(transfer)
            }
        }
        held.tell(multi)
    }

    /// Ends what is over its time, or says that it is overdue. The process may have been frozen,
    /// and the answers lie in the sockets: what has arrived is read before the clock counts.
    private func attendDeadlines() {
        let now = CurlQueue.bootMilliseconds()
        guard now >= nextDeadline else { return }
        readAll()
        for transfer in active.filter({ $0.deadline <= now }) {
            if transfer.listensOn(now: now) {
                somethingEnded = true
            } else {
                retire(transfer, curlCode: Curl.codeTimedOut)
            }
        }
        nextDeadline = active.reduce(.max) { min($0, $1.deadline) }
    }

    private func readAll() {
        for _ in 0..<Self.looksMax {
            multi.poll(milliseconds: 0)
            guard multi.perform() else { return }
            retireEnded()
        }
    }

    private func sleep(atMost milliseconds: Int = CurlLoop.sleepMilliseconds) {
        if nextDeadline < .max { multi.alarm(at: nextDeadline) }
        let isStarving =
            hasRoom && !waiting.reserved.isEmpty
            || hasRoomForRefresh && !waiting.refreshes.isEmpty || !held.transfers.isEmpty
        multi.poll(
            milliseconds: isStarving
                ? min(CurlTransport.blockPollMilliseconds, milliseconds) : milliseconds)
    }

    // MARK: The end

    private func finish(_ ending: CurlQueue.Ending) {
        cancelWaiting()
        _ = queue.take(into: &waiting)
        cancelWaiting()
        for transfer in active {
            _ = transfer.request?.cancelIfUnsent()
            if transfer.request?.isAnswered ?? true { retire(transfer, curlCode: Curl.codeAborted) }
        }
        func isAwaiting() -> Bool {
            active.contains { transfer in
                ending.awaitsRefreshes
                    || transfer.request?.isReserved ?? false && !transfer.isOverdue
            }
        }
        while isAwaiting() {
            let left = ending.deadline - CurlQueue.monotonicMilliseconds()
            guard left > 0 else { break }
            turn()
            if isAwaiting() { sleep(atMost: Int(left)) }
        }
        readAll()
        while let transfer = active.last { retire(transfer, curlCode: Curl.codeAborted) }
        idle.removeAll()
        tv_scrub_large()
    }

    private func cancelWaiting() {
        for request in waiting.reserved + waiting.refreshes { _ = request.cancelIfUnsent() }
        waiting = CurlQueue.Waiting()
    }
}

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
    /// Taken from the queue, the next one last.
    private var waiting: [TransportRequest] = []
    /// Since when no slot was free for the next request, on the monotonic clock.
    private var starvedSince: Int64?
    private var ended: [(transfer: CurlTransfer, code: Int)] = []
    private var somethingEnded = false

    /// Handles kept for reuse; more are there only while they work.
    private static let idleMax = 256
    /// The longest sleep, in milliseconds.
    private static let sleepMilliseconds = 3_600_000
    /// How often the loop looks at its own deadlines, in milliseconds, while it has any.
    private static let deadlinePollMilliseconds = 50

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
            if let deadline = queue.take(into: &waiting) { return finish(until: deadline) }
            admit()
            turn()
            let hasRoom = waiting.isEmpty && active.count < settings.inFlightMax
            if queue.maySleep(hasRoom: hasRoom) { multi.poll(milliseconds: sleepMilliseconds) }
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

    private func admit() {
        while let request = waiting.last, active.count < settings.inFlightMax {
            if request.isAnswered {
                waiting.removeLast()
                continue
            }
            guard let reply = Secret(roomFor: CurlTransfer.replyBytes) else {
                guard isStarved() else { return }
                waiting.removeLast()
                request.answer(TransportReply(failure: .tooManySecrets))
                continue
            }
            starvedSince = nil
            waiting.removeLast()
            start(request, reply)
        }
    }

    private func isStarved() -> Bool {
        let now = CurlQueue.monotonicMilliseconds()
        let since = starvedSince ?? now
        starvedSince = since
        return now - since >= settings.slotMilliseconds
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
        guard transfer.begin(request, reply: reply) else {
            idle.append(transfer)
            return
        }
        transfer.position = active.count
        active.append(transfer)
        if !transfer.add() { retire(transfer, curlCode: Curl.codeFailedInit) }
    }

    // MARK: Out

    /// One turn of everything that can be done without waiting.
    private func turn() {
        multi.perform()
        // curl looks through what is still to be read for every handle that is removed: read first.
        while let transfer = multi.nextEnded() { ended.append(transfer) }
        for (transfer, code) in ended { retire(transfer, curlCode: code) }
        ended.removeAll(keepingCapacity: true)
        attendHeld()
        // Plaintext went through this thread's stack and vector registers.
        if somethingEnded { tv_scrub_large() }
        somethingEnded = false
    }

    private func retire(_ transfer: CurlTransfer, curlCode: Int) {
        transfer.remove()
        let last = active.removeLast()
        if last !== transfer {
            active[transfer.position] = last
            last.position = transfer.position
        }
        somethingEnded = true
        transfer.end(curlCode: curlCode)
        if idle.count < Self.idleMax { idle.append(transfer) }
    }

    private func attendHeld() {
        guard !held.transfers.isEmpty else { return }
        let now = CurlQueue.monotonicMilliseconds()
        for transfer in held.transfers {
            if transfer.isPaused {
                transfer.resumeIfPossible(now: now)
            } else if let deadline = transfer.deadline, now >= deadline {
                retire(transfer, curlCode: Curl.codeTimedOut)
            }
        }
    }

    private var sleepMilliseconds: Int {
        if !waiting.isEmpty && active.count < settings.inFlightMax {
            return CurlTransport.slotPollMilliseconds
        }
        if held.transfers.isEmpty { return Self.sleepMilliseconds }
        return held.transfers.contains(where: \.isPaused)
            ? CurlTransport.slotPollMilliseconds : Self.deadlinePollMilliseconds
    }

    // MARK: The end

    private func finish(until deadline: Int64) {
        cancelWaiting()
        _ = queue.take(into: &waiting)
        cancelWaiting()
        for transfer in active {
            _ = transfer.request?.cancelIfUnsent()
            if transfer.request?.isAnswered ?? true { retire(transfer, curlCode: Curl.codeAborted) }
        }
        while !active.isEmpty {
            let left = deadline - CurlQueue.monotonicMilliseconds()
            guard left > 0 else { break }
            turn()
            if !active.isEmpty { multi.poll(milliseconds: min(Int(left), sleepMilliseconds)) }
        }
        while let transfer = active.last { retire(transfer, curlCode: Curl.codeAborted) }
        idle.removeAll()
        tv_scrub_large()
    }

    private func cancelWaiting() {
        while let request = waiting.popLast() { _ = request.cancelIfUnsent() }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells of connections that are about to come to their end, once for each grant, while somebody
/// reads the log of events, or a webhook wants to know; nothing is looked at where nobody does.
///
/// Whoever has just been connected is looked at at once, by what the log says. The others are
/// looked at in turn, so many in an hour: nothing is asked of a refresh.
final class EndNotices: Sendable {
    /// How many connections are looked at in an hour at the most: a million in less than a day.
    static let lookedAtMax = 50_000
    /// How many before others have a turn.
    static let lookedAtAtOnce = 256
    /// Between two rounds, in milliseconds.
    static let roundMilliseconds: Int64 = 3_600_000
    /// The earliest notice, in milliseconds.
    static let noticeMillisecondsMax: Int64 = 90 * 86_400_000

    /// How long before the end it is told; 0 for never.
    let milliseconds: Int64
    private let isWatchedNow = Atomic(false)

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Whether somebody wants to know.
    var isWatched: Bool { isWatchedNow.load(ordering: .acquiring) }

    /// From now on somebody does.
    func setWatched(_ signal: EventSignal) {
        guard milliseconds > 0, !isWatchedNow.exchange(true, ordering: .acquiringAndReleasing)
        else { return }
        signal.tell()
    }
}

extension Vault.Settings {
    var endNoticeMilliseconds: Int64 {
        min(Vault.milliseconds(endNotice), EndNotices.noticeMillisecondsMax)
    }
}

extension Vault {
    /// Looks and tells until the task is cancelled, or the vault is closed.
    func tellEnds() async {
        guard endNotices.milliseconds > 0 else { return }
        var last: RecordKey?
        var nextRound = time.now()
        var seen: UInt64?
        while !Task.isCancelled, !refresher.isClosed {
            let count = eventSignal.count
            do throws(VaultError) {
                if endNotices.isWatched {
                    if seen == nil { seen = try store.lastEvent() }
                    let (keys, end) = try connected(after: seen ?? 0)
                    for key in keys { try await tellEnd(of: key) }
                    seen = end
                    if time.now() >= nextRound {
                        last = try await tellEnds(after: last)
                        nextRound = time.now().adding(milliseconds: EndNotices.roundMilliseconds)
                    }
                }
            } catch {
                if error.code == .closed { return }
                // Such as where no block for a secret was free, or the disk failed.
                await waitAgain()
                continue
            }
            // The clock may have been set back meanwhile.
            nextRound = min(
                nextRound, time.now().adding(milliseconds: EndNotices.roundMilliseconds))
            let next = endNotices.isWatched ? nextRound : nil
            await eventSignal.sleep(after: count, until: next, refresher)
        }
    }

    /// Looks at the next connections in turn; returns the last one, or nil at the end of the round.
    private func tellEnds(after start: RecordKey?) async throws(VaultError) -> RecordKey? {
        var last = start
        for _ in 0..<EndNotices.lookedAtMax / EndNotices.lookedAtAtOnce {
            if Task.isCancelled { return last }
            let keys = try store.keys(
                .connection, after: last, atMost: EndNotices.lookedAtAtOnce)
            for key in keys { try await tellEnd(of: key) }
            guard keys.count == EndNotices.lookedAtAtOnce else { return nil }
            last = keys.last
            await Task.yield()
        }
        return last
    }

    /// Whoever was connected, or had tokens put, behind an entry of the log; and the last entry.
    private func connected(
        after number: UInt64
    ) throws(VaultError) -> (Set<RecordKey>, last: UInt64) {
        let codes = [VaultEvent.Kind.connected.code, VaultEvent.Kind.tokensPut.code]
        var keys: Set<RecordKey> = []
        var (last, next) = (number, UInt64?.some(number + 1))
        while let first = next {
            next = try store.scanEvents(from: first, atMost: Self.eventsAtOnceMax) {
                number, entry in
                if codes.contains(entry.code) { keys.insert(entry.key) }
                last = number
            }
        }
        return (keys, last)
    }

    private func tellEnd(of key: RecordKey) async throws(VaultError) {
        let now = time.now()
        guard let (id, end) = try nearEnd(of: key, now) else { return }
        let seconds = end.milliseconds(since: now) / 1000
        let commit = Commit()
        let added = 4 * (Fields.headBytes + 8)
        let revision = Revision(addedBytesMax: added) { (record, version) throws(VaultError) in
            guard record.state == .active, !record.isEndTold else { return .leave }
            try record.keepTokens(of: version.generation)
            try record.fields.set(ConnectionTag.endTold, time: now)
            return .change
        }
        commit.add(.revise(key, revision))
        commit.add(.event(EventEntry(time: now, key: key, kind: .expiresSoon, number: seconds)))
        do throws(VaultError) {
            guard try await durable(commit).fate == .changed else { return }
            refresher.publish(.expiresSoon, id, number: seconds)
        } catch {
            // It is told in the next round; others are not to be kept silent about.
            if error.code == .closed || error.code == .storageFailed { throw error }
        }
    }

    /// The end of a connection that is to be told of; nil where none is.
    private func nearEnd(
        of key: RecordKey, _ now: UnixTime
    ) throws(VaultError) -> (ConnectionID, UnixTime)? {
        defer { MemoryHygiene.scrub() }
        do throws(VaultError) {
            guard let opened = try store.open(key), opened.kind == .connection else { return nil }
            let record = ConnectionRecord(fields: opened.takeFields())
            guard !record.isEndTold, let id = record.id, let end = refresher.end(record),
                end.time > now,
                end.time <= now.adding(milliseconds: endNotices.milliseconds)
            else { return nil }
            switch end.cause {
            case .limit, .notRenewable: return (id, end.time)
            // The vault's own refreshing puts it off, where that works.
            case .idle, .stated:
                let works =
                    record.failure == nil && record.trouble == nil
                    && refresher.plan(record) != nil
                return works ? nil : (id, end.time)
            }
        } catch {
            // Another one is not to be kept silent about.
            if error.code == .closed || error.code == .storageFailed { throw error }
            return nil
        }
    }
}

extension ConnectionRecord {
    /// Whether it was told that the present grant comes to its end.
    fileprivate var isEndTold: Bool {
        guard let told = fields.time(ConnectionTag.endTold) else { return false }
        return connected.map { $0 <= told } ?? true
    }
}

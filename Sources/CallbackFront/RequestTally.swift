// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization

/// Writes down the first request of each kind (method, pattern of the path, status), and a minute
/// later how many more there were: whoever sends a million callbacks does not fill a disk.
package final class RequestTally: Sendable {
    /// How long requests of a kind are counted before there is another line.
    package static let interval = Duration.seconds(60)

    private let logger: Logger
    private let kinds = Mutex<[String: Kind]>([:])
    /// The most kinds whose requests are counted; the rest are counted together.
    private static let countedKindsMax = 500
    private let totals = Mutex<[String: UInt64]>([:])

    private struct Kind {
        var since: ContinuousClock.Instant
        var uncounted = 0
    }

    package init(_ logger: Logger) { self.logger = logger }

    /// There are few kinds: whoever asks chooses among the front's own patterns and statuses.
    package func add(_ kind: String, now: ContinuousClock.Instant = .now) {
        count(kind)
        let line = kinds.withLock { kinds -> String? in
            guard let known = kinds[kind], now - known.since < Self.interval else {
                let line = kinds[kind].flatMap { Self.line(kind, $0) }
                kinds[kind] = Kind(since: now)
                return line.map { "\(kind); before that \($0)" } ?? kind
            }
            kinds[kind]?.uncounted += 1
            return nil
        }
        if let line { logger.info("\(line)") }
    }

    /// How many there were of each kind since the front was made.
    var counts: [String: UInt64] { totals.withLock { $0 } }

    private func count(_ kind: String) {
        totals.withLock { totals in
            let isKnown = totals[kind] != nil || totals.count < Self.countedKindsMax
            totals[isKnown ? kind : "other", default: 0] += 1
        }
    }

    /// Tells of those that no line told of yet and whose minute is over.
    package func tell(now: ContinuousClock.Instant = .now, all: Bool = false) {
        let lines = kinds.withLock { kinds -> [String] in
            let over = kinds.filter { all || now - $0.value.since >= Self.interval }
            for kind in over.keys { kinds[kind] = nil }
            return over.compactMap { Self.line($0.key, $0.value) }.sorted()
        }
        for line in lines { logger.info("\(line)") }
    }

    private static func line(_ kind: String, _ counted: Kind) -> String? {
        counted.uncounted == 0 ? nil : "\(kind), \(counted.uncounted) more"
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The last few things that happened to each connection, for whoever reads a violation; and a hash
/// of everything that happened at all, to compare two runs.
struct History {
    /// How many entries each connection keeps.
    static let entriesMax = 24

    enum Kind: UInt8 {
        case put, presented, refused, acted, received, failed, fenced, erased, lost, asked
        case lent, revoked, crash, start, revived, reuse, cancelled, connected, fault, recovered
        case frozen, thawed, draining, overdue, arrived, burnt, unread
    }

    private struct Entry {
        var moment: Int64 = 0
        var kind = Kind.put
        var number: Int64 = 0
    }

    private var entries: [Entry]
    private var counts: [UInt32]
    /// FNV-1a over what was noted, in words instead of bytes.
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    /// One more is for what concerns all of them: its number is -1.
    init(subjects: Int) {
        entries = Array(repeating: Entry(), count: (subjects + 1) * Self.entriesMax)
        counts = Array(repeating: 0, count: subjects + 1)
    }

    mutating func note(_ moment: Int64, _ subject: Int, _ kind: Kind, _ number: Int64) {
        mix(UInt64(bitPattern: moment))
        mix(UInt64(truncatingIfNeeded: subject) << 8 | UInt64(kind.rawValue))
        mix(UInt64(bitPattern: number))
        let row = subject + 1
        let place = row * Self.entriesMax + Int(counts[row]) % Self.entriesMax
        counts[row] &+= 1
        entries[place] = Entry(moment: moment, kind: kind, number: number)
    }

    private mutating func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01b3 }

    /// What happened to a connection and, marked with a star, to all, the oldest first, one a line,
    /// in seconds since the run's start.
    func story(of subject: Int) -> [String] {
        var lines: [(moment: Int64, text: String)] = kept(0).map { entry in
            (entry.moment, "* \(entry.kind) \(entry.number)")
        }
        if subject >= 0 {
            lines += kept(subject + 1).map { entry in
                (entry.moment, "  \(entry.kind) \(entry.number)")
            }
        }
        lines.sort { $0.moment < $1.moment }
        return lines.map { "  \(Double($0.moment - VirtualClock.start) / 1000) s \($0.text)" }
    }

    private func kept(_ row: Int) -> [Entry] {
        let count = Int(counts[row])
        return (max(0, count - Self.entriesMax)..<count).map { index in
            entries[row * Self.entriesMax + index % Self.entriesMax]
        }
    }
}

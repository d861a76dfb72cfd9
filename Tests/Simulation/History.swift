// SPDX-License-Identifier: Apache-2.0

/// The last few things that happened to each connection, for whoever reads a violation; and a hash
/// of everything that happened at all, to compare two runs.
struct History {
    /// How many entries each connection keeps.
    static let entriesMax = 24

    enum Kind: UInt8 {
        case put, presented, refused, acted, received, failed, fenced, erased, lost, asked
        case lent, revoked, crash, start, revived, reuse, cancelled, connected, fault
    }

    private struct Entry {
        var moment: Int64 = 0
        var kind = Kind.put
        var number: Int64 = 0
        var isUsed = false
    }

    private var entries: [Entry]
    private var counts: [UInt32]
    /// FNV-1a over what was noted, in words instead of bytes.
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    init(subjects: Int) {
        entries = Array(repeating: Entry(), count: subjects * Self.entriesMax)
        counts = Array(repeating: 0, count: subjects)
    }

    mutating func note(_ moment: Int64, _ subject: Int, _ kind: Kind, _ number: Int64) {
        mix(UInt64(bitPattern: moment))
        mix(UInt64(truncatingIfNeeded: subject) << 8 | UInt64(kind.rawValue))
        mix(UInt64(bitPattern: number))
        guard subject >= 0 else { return }
        let place = subject * Self.entriesMax + Int(counts[subject]) % Self.entriesMax
        counts[subject] &+= 1
        entries[place] = Entry(moment: moment, kind: kind, number: number, isUsed: true)
    }

    private mutating func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01b3 }

    /// The oldest first, one a line, in seconds since the run's start.
    func story(of subject: Int) -> [String] {
        guard subject >= 0 else { return [] }
        let count = Int(counts[subject])
        return (max(0, count - Self.entriesMax)..<count).map { index in
            let entry = entries[subject * Self.entriesMax + index % Self.entriesMax]
            let seconds = Double(entry.moment - VirtualClock.start) / 1000
            return "  \(seconds) s \(entry.kind) \(entry.number)"
        }
    }
}

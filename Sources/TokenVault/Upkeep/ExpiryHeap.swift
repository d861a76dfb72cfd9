// SPDX-License-Identifier: Apache-2.0

import BasicContainers

/// An indexed 4-ary min-heap of deadlines: who is due next, and O(log n) to move or remove anybody.
///
/// An entry is a deadline and a handle, 16 bytes, and 4 bytes of position by handle; no ids, no
/// pointers. Handles are slot numbers: small, dense, one for each connection. Four children instead
/// of two halve the depth, and a node's children share a cache line (LaMarca and Ladner, "The
/// Influence of Caches on the Performance of Heaps", 1996). The store is the truth; this is rebuilt
/// from it at every open.
struct ExpiryHeap: ~Copyable {
    struct Entry {
        var deadline: UnixTime
        var handle: UInt32
    }

    private var entries = UniqueArray<Entry>()
    /// Where each handle's entry is, or `absent`.
    private var positions = UniqueArray<UInt32>()
    private static let absent: UInt32 = .max

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// The earliest entry. O(1).
    var min: Entry? { entries.isEmpty ? nil : entries[0] }

    /// The deadline of a handle. O(1).
    func deadline(_ handle: UInt32) -> UnixTime? {
        guard Int(handle) < positions.count, positions[Int(handle)] != Self.absent else {
            return nil
        }
        return entries[Int(positions[Int(handle)])].deadline
    }

    /// Inserts a handle, or moves it where it is there already. O(log n).
    mutating func set(_ handle: UInt32, _ deadline: UnixTime) {
        precondition(handle != Self.absent)
        while positions.count <= Int(handle) { positions.append(Self.absent) }
        let position = positions[Int(handle)]
        let entry = Entry(deadline: deadline, handle: handle)
        guard position != Self.absent else {
            entries.append(entry)
            bubbleUp(entry, from: entries.count - 1)
            return
        }
        if deadline < entries[Int(position)].deadline {
            bubbleUp(entry, from: Int(position))
        } else {
            trickleDown(entry, from: Int(position))
        }
    }

    /// Removes a handle; false where it was not there. O(log n).
    @discardableResult
    mutating func remove(_ handle: UInt32) -> Bool {
        guard Int(handle) < positions.count, positions[Int(handle)] != Self.absent else {
            return false
        }
        let position = Int(positions[Int(handle)])
        positions[Int(handle)] = Self.absent
        let last = entries.removeLast()
        guard position < entries.count else { return true }
        if position > 0, last.deadline < entries[(position - 1) / 4].deadline {
            bubbleUp(last, from: position)
        } else {
            trickleDown(last, from: position)
        }
        return true
    }

    /// Removes and returns the earliest entry. O(log n).
    mutating func popMin() -> Entry? {
        guard let first = min else { return nil }
        remove(first.handle)
        return first
    }

    private mutating func bubbleUp(_ entry: Entry, from start: Int) {
        var position = start
        while position > 0 {
            let parent = (position - 1) / 4
            guard entry.deadline < entries[parent].deadline else { break }
            place(entries[parent], at: position)
            position = parent
        }
        place(entry, at: position)
    }

    private mutating func trickleDown(_ entry: Entry, from start: Int) {
        var position = start
        while true {
            let first = 4 * position + 1
            guard first < entries.count else { break }
            var least = first
            for child in (first + 1)..<Swift.max(first + 1, Swift.min(first + 4, entries.count))
            where entries[child].deadline < entries[least].deadline {
                least = child
            }
            guard entries[least].deadline < entry.deadline else { break }
            place(entries[least], at: position)
            position = least
        }
        place(entry, at: position)
    }

    private mutating func place(_ entry: Entry, at position: Int) {
        entries[position] = entry
        positions[Int(entry.handle)] = UInt32(position)
    }

    /// True where every entry is no earlier than its parent and every position is right. O(n); for
    /// tests.
    func invariantsHold() -> Bool {
        for position in entries.indices {
            if position > 0, entries[position].deadline < entries[(position - 1) / 4].deadline {
                return false
            }
            if positions[Int(entries[position].handle)] != UInt32(position) { return false }
        }
        var present = 0
        for handle in positions.indices where positions[handle] != Self.absent { present += 1 }
        return present == entries.count
    }
}

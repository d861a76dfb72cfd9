// SPDX-License-Identifier: Apache-2.0

import BasicContainers

/// An indexed 4-ary min-heap of deadlines: who is due next, and O(log n) to move or remove anybody.
///
/// An entry is a deadline, a handle and a queue, 16 bytes, and 4 bytes of position by handle; no
/// ids, no pointers. Handles are small and dense, one for each connection (`Handle`). Four children
/// instead of two halve the depth, and a node's children share a cache line or two (LaMarca and
/// Ladner, "The Influence of Caches on the Performance of Heaps", 1996). The store is the truth;
/// this is rebuilt from it at every open.
package struct ExpiryHeap: ~Copyable {
    /// Who is due, and when.
    package struct Entry: Sendable {
        /// When the handle is due.
        package var deadline: UnixTime
        /// Whose deadline it is.
        package var handle: UInt32
        /// The queue in which the handle waits once it is due.
        package var queue: UInt32
    }

    private var entries = UniqueArray<Entry>()
    /// Where each handle's entry is, or `absent`.
    private var positions = UniqueArray<UInt32>()
    private static let absent: UInt32 = .max

    /// An empty heap.
    package init() {}

    /// How many handles have a deadline.
    package var count: Int { entries.count }
    /// Whether no handle has a deadline.
    package var isEmpty: Bool { entries.isEmpty }

    /// What the heap occupies, in bytes: 16 for each entry and 4 for each handle there is room for.
    /// Room that was reserved is exact; without, both arrays grow by half.
    package var memoryBytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride
            + positions.capacity * MemoryLayout<UInt32>.stride
    }

    /// Makes room for the handles below `handleCount`, so that nothing grows on the way there.
    package mutating func reserve(_ handleCount: Int) {
        entries.reserveCapacity(handleCount)
        positions.reserveCapacity(handleCount)
        while positions.count < handleCount { positions.append(Self.absent) }
    }

    /// The earliest entry. O(1).
    package var min: Entry? { entries.isEmpty ? nil : entries[0] }

    /// The entry of a handle; nil where it has none. O(1).
    package func entry(_ handle: UInt32) -> Entry? {
        position(handle).map { entries[$0] }
    }

    /// The deadline of a handle. O(1).
    package func deadline(_ handle: UInt32) -> UnixTime? {
        position(handle).map { entries[$0].deadline }
    }

    private func position(_ handle: UInt32) -> Int? {
        guard Int(handle) < positions.count, positions[Int(handle)] != Self.absent else {
            return nil
        }
        return Int(positions[Int(handle)])
    }

    /// Inserts a handle, or moves it where it is there already. O(log n).
    package mutating func set(_ handle: UInt32, _ deadline: UnixTime, queue: UInt32 = 0) {
        let entry = Entry(deadline: deadline, handle: handle, queue: queue)
        guard Int(handle) < positions.count, positions[Int(handle)] != Self.absent else {
            insert(entry)
            return
        }
        settle(entry, Int(positions[Int(handle)]))
    }

    @inline(never)
    private mutating func insert(_ entry: Entry) {
        precondition(entry.handle != Self.absent)
        while positions.count <= Int(entry.handle) { positions.append(Self.absent) }
        entries.append(entry)
        bubbleUp(entry, from: entries.count - 1)
    }

    /// Removes a handle; false where it was not there. O(log n).
    @discardableResult
    package mutating func remove(_ handle: UInt32) -> Bool {
        guard let position = position(handle) else { return false }
        positions[Int(handle)] = Self.absent
        let last = entries.removeLast()
        if position < entries.count { settle(last, position) }
        return true
    }

    /// Removes and returns the earliest entry. O(log n).
    package mutating func popMin() -> Entry? {
        guard let first = min else { return nil }
        positions[Int(first.handle)] = Self.absent
        let last = entries.removeLast()
        if !entries.isEmpty { trickleDown(last, from: 0) }
        return first
    }

    /// Moves all deadlines by so many milliseconds. O(n), and their order stays.
    mutating func move(milliseconds: Int64) {
        for index in entries.indices {
            entries[index].deadline = entries[index].deadline.adding(milliseconds: milliseconds)
        }
    }

    /// Puts `entry` in the place of the one at `position`, or where it belongs from there.
    ///
    /// What stood there is not looked at: three of four entries have no children, and a random one
    /// is rarely earlier than its parent. So the processor guesses right, and need not wait for
    /// memory before it goes on.
    @inline(__always)
    private mutating func settle(_ entry: Entry, _ position: Int) {
        if position > 0, entry.deadline < entries[(position &- 1) >> 2].deadline {
            bubbleUp(entry, from: position)
        } else if position << 2 &+ 1 < entries.count {
            trickleDown(entry, from: position)
        } else {
            entries[position] = entry
            positions[Int(entry.handle)] = UInt32(truncatingIfNeeded: position)
        }
    }

    /// Moves the hole at `start` up to where `entry` belongs, and puts it there.
    @inline(never)
    private mutating func bubbleUp(_ entry: Entry, from start: Int) {
        var hole = start
        while hole > 0 {
            let parent = (hole &- 1) >> 2
            guard entry.deadline < entries[parent].deadline else { break }
            place(entries[parent], at: hole)
            hole = parent
        }
        place(entry, at: hole)
    }

    /// Moves the hole at `start` down to where `entry` belongs, and puts it there.
    @inline(never)
    private mutating func trickleDown(_ entry: Entry, from start: Int) {
        var hole = start
        while hole << 2 &+ 1 < entries.count {
            checkGrandchildren(hole << 2 &+ 1)
            let least = earliestChild(hole << 2 &+ 1)
            guard entries[least].deadline < entry.deadline else { break }
            place(entries[least], at: hole)
            hole = least
        }
        place(entry, at: hole)
    }

    @inline(__always)
    private mutating func place(_ entry: Entry, at position: Int) {
        entries[position] = entry
        positions[Int(entry.handle)] = UInt32(truncatingIfNeeded: position)
    }

    /// The earliest of at most four children, of which there is one at the least.
    @inline(__always)
    private func earliestChild(_ first: Int) -> Int {
        // Which child it is nobody can predict: two pairs and then a final, without a branch.
        guard first &+ 3 < entries.count else {
            var least = first
            for child in first..<entries.count
            where entries[child].deadline < entries[least].deadline {
                least = child
            }
            return least
        }
        let left = entries[first &+ 1].deadline < entries[first].deadline ? first &+ 1 : first
        let right =
            entries[first &+ 3].deadline < entries[first &+ 2].deadline
            ? first &+ 3 : first &+ 2
        return entries[right].deadline < entries[left].deadline ? right : left
    }

    /// Traps where a first child of the children at `first` is earlier than its parent.
    ///
    /// Memory that was overwritten is found here. And it is how the next step down finds its
    /// entries in the cache: nothing waits for the outcome of a check, so these loads go ahead
    /// together while the children are still being compared.
    @inline(__always)
    private func checkGrandchildren(_ first: Int) {
        let grandchild = first << 2 &+ 1
        guard grandchild &+ 12 < entries.count else { return }
        precondition(entries[first].deadline <= entries[grandchild].deadline)
        precondition(entries[first &+ 1].deadline <= entries[grandchild &+ 4].deadline)
        precondition(entries[first &+ 2].deadline <= entries[grandchild &+ 8].deadline)
        precondition(entries[first &+ 3].deadline <= entries[grandchild &+ 12].deadline)
    }
}

// For tests.
extension ExpiryHeap {
    /// The handle of the last entry, which a removal moves elsewhere.
    var lastHandle: UInt32? { entries.isEmpty ? nil : entries[entries.count - 1].handle }

    /// True where every entry is no earlier than its parent and every position is right. O(n).
    func invariantsHold() -> Bool {
        for place in entries.indices where !isInOrder(place) { return false }
        var present = 0
        for handle in positions.indices where positions[handle] != Self.absent { present += 1 }
        return present == entries.count
    }

    /// The same of all entries on the way from a handle up to the first one, and of their children:
    /// an operation that put the handle there has moved no others. O(log n).
    func invariantsHold(around handle: UInt32) -> Bool {
        guard var place = position(handle) else { return true }
        guard entries[place].handle == handle, isInOrder(0) else { return false }
        while true {
            let first = 4 * place + 1
            for child in first..<Swift.max(first, Swift.min(first + 4, entries.count))
            where !isInOrder(child) { return false }
            guard place > 0 else { return true }
            place = (place - 1) / 4
        }
    }

    private func isInOrder(_ place: Int) -> Bool {
        guard positions[Int(entries[place].handle)] == UInt32(place) else { return false }
        return place == 0 || entries[(place - 1) / 4].deadline <= entries[place].deadline
    }
}

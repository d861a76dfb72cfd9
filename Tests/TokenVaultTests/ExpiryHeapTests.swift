// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The heap does what a sorted list does. `TOKENVAULT_SEED` repeats a run.
@Suite struct ExpiryHeapTests {
    /// The same entries in a sorted array: slow, and plainly right.
    struct SortedList {
        private(set) var entries: [(deadline: Int64, handle: UInt32)] = []
        private(set) var deadlines: [UInt32: Int64] = [:]

        private func place(_ deadline: Int64, _ handle: UInt32) -> Int {
            var (low, high) = (0, entries.count)
            while low < high {
                let middle = (low + high) / 2
                if (entries[middle].deadline, entries[middle].handle) < (deadline, handle) {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            return low
        }

        mutating func set(_ handle: UInt32, _ deadline: Int64) {
            _ = remove(handle)
            entries.insert((deadline, handle), at: place(deadline, handle))
            deadlines[handle] = deadline
        }

        mutating func remove(_ handle: UInt32) -> Bool {
            guard let old = deadlines.removeValue(forKey: handle) else { return false }
            entries.remove(at: place(old, handle))
            return true
        }
    }

    @Test(arguments: [(50, 10), (600, 1_000_000)])
    func doesWhatASortedListDoes(handles: Int, span: Int) throws {
        var random = SeededRandom(variable: "TOKENVAULT_SEED")
        var heap = ExpiryHeap()
        var list = SortedList()
        for step in 0..<100_000 {
            let handle = UInt32(random.below(handles))
            switch random.below(10) {
            case 0..<5:
                let deadline = Int64(random.below(span)) - Int64(span / 2)
                heap.set(handle, UnixTime(milliseconds: deadline))
                list.set(handle, deadline)
            case 5..<8:
                let (fromHeap, fromList) = (heap.remove(handle), list.remove(handle))
                check(fromHeap == fromList, "seed \(random.seed), step \(step)")
            default:
                // Of equal deadlines either may come first.
                let popped = heap.popMin()
                let first = list.entries.first?.deadline
                check(popped?.deadline.milliseconds == first, "seed \(random.seed)")
                if let popped {
                    check(list.deadlines[popped.handle] == first)
                    _ = list.remove(popped.handle)
                }
            }
            let ours: [Int64?] = [
                Int64(heap.count), heap.min?.deadline.milliseconds,
                heap.deadline(handle)?.milliseconds,
            ]
            let theirs: [Int64?] = [
                Int64(list.entries.count), list.entries.first?.deadline, list.deadlines[handle],
            ]
            check(ours == theirs, "seed \(random.seed), step \(step)")
            if step % 200 == 0, !heap.invariantsHold() {
                Issue.record("seed \(random.seed), step \(step): the invariants do not hold")
            }
        }
        var previous = Int64.min
        while let entry = heap.popMin() {
            check(entry.deadline.milliseconds >= previous)
            previous = entry.deadline.milliseconds
        }
        check(heap.isEmpty)
    }

    @Test func movesAnEntryBothWays() {
        var heap = ExpiryHeap()
        for handle in UInt32(0)..<100 { heap.set(handle, UnixTime(milliseconds: Int64(handle))) }
        heap.set(99, UnixTime(milliseconds: -1))
        check(heap.min?.handle == 99)
        heap.set(99, UnixTime(milliseconds: 1000))
        check(heap.min?.handle == 0)
        check(heap.count == 100)
        check(heap.invariantsHold())
        heap.set(5, UnixTime(milliseconds: .min))
        heap.set(6, UnixTime(milliseconds: .max))
        check(heap.popMin()?.handle == 5)
        check(heap.deadline(5) == nil)
        check(heap.deadline(6)?.milliseconds == .max)
        check(!heap.remove(1_000_000))
    }
}

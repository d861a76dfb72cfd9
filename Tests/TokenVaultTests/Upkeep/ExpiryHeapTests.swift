// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The heap does what a list in order does: 10,000,000 operations, checked one by one.
/// `TOKENVAULT_SEED` repeats a run.
@Suite struct ExpiryHeapTests {
    /// What a heap is compared with: plainly right, and as fast as its deadlines allow.
    protocol Oracle {
        init(handleCount: Int)
        var count: Int { get }
        /// The earliest deadline.
        var first: Int64? { get }
        /// The deadline of each handle, where it has one.
        var deadlines: [Int64?] { get }
        mutating func set(_ handle: Int, _ deadline: Int64)
        mutating func remove(_ handle: Int)
    }

    /// How many handles have each of the 64 deadlines there are, and which have any.
    struct Tally: Oracle {
        private(set) var count = 0
        private(set) var deadlines: [Int64?]
        private var counts = [Int](repeating: 0, count: 64)
        private var occupied: UInt64 = 0

        init(handleCount: Int) { deadlines = Array(repeating: nil, count: handleCount) }

        var first: Int64? { occupied == 0 ? nil : Int64(occupied.trailingZeroBitCount) }

        mutating func set(_ handle: Int, _ deadline: Int64) {
            remove(handle)
            deadlines[handle] = deadline
            count += 1
            counts[Int(deadline)] += 1
            occupied |= 1 << UInt64(deadline)
        }

        mutating func remove(_ handle: Int) {
            guard let deadline = deadlines[handle] else { return }
            deadlines[handle] = nil
            count -= 1
            counts[Int(deadline)] -= 1
            if counts[Int(deadline)] == 0 { occupied &= ~(1 << UInt64(deadline)) }
        }
    }

    /// All deadlines in order.
    struct SortedList: Oracle {
        private(set) var deadlines: [Int64?]
        private var sorted: [Int64] = []

        init(handleCount: Int) { deadlines = Array(repeating: nil, count: handleCount) }

        var count: Int { sorted.count }
        var first: Int64? { sorted.first }

        private func place(_ deadline: Int64) -> Int {
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] < deadline { low = middle + 1 } else { high = middle }
            }
            return low
        }

        mutating func set(_ handle: Int, _ deadline: Int64) {
            remove(handle)
            sorted.insert(deadline, at: place(deadline))
            deadlines[handle] = deadline
        }

        mutating func remove(_ handle: Int) {
            guard let deadline = deadlines[handle] else { return }
            sorted.remove(at: place(deadline))
            deadlines[handle] = nil
        }
    }

    @Test(arguments: [(6, 3_000_000), (24, 3_000_000), (100, 1_000_000), (3000, 1_000_000)])
    func doesWhatATallyDoes(handles: Int, steps: Int) {
        compare(Tally.self, handles: handles, span: 64, steps: steps)
    }

    @Test(arguments: [(24, 1_500_000), (300, 500_000)])
    func doesWhatASortedListDoes(handles: Int, steps: Int) {
        compare(SortedList.self, handles: handles, span: 1_000_000, steps: steps)
    }

    /// The cheapest random numbers there are: a debug build makes ten million of them.
    struct Xorshift {
        var state: UInt64
        mutating func below(_ limit: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(truncatingIfNeeded: (state >> 33) % UInt64(limit))
        }
    }

    private func compare<Order: Oracle>(_: Order.Type, handles: Int, span: Int, steps: Int) {
        let seed = SeededRandom(variable: "TOKENVAULT_SEED").seed
        var random = Xorshift(state: seed | 1)
        var heap = ExpiryHeap()
        var oracle = Order(handleCount: handles)
        for step in 0..<steps {
            let handle = random.below(handles)
            let last = heap.lastHandle
            var touched = UInt32(handle)
            // Where the last entry went, if this takes one away.
            var moved: UInt32?
            var isRight = true
            switch random.below(8) {
            case 0..<4:
                let deadline = random.below(span)
                heap.set(
                    touched, UnixTime(milliseconds: Int64(deadline)), queue: UInt32(deadline))
                oracle.set(handle, Int64(deadline))
            case 4..<6:
                moved = last
                isRight = heap.remove(touched) == (oracle.deadlines[handle] != nil)
                oracle.remove(handle)
            default:
                // Of equal deadlines either may come first.
                moved = last
                let entry = heap.popMin()
                isRight = entry?.deadline.milliseconds == oracle.first
                if let entry {
                    touched = entry.handle
                    let deadline = oracle.deadlines[Int(touched)]
                    isRight =
                        isRight && deadline == entry.deadline.milliseconds
                        && deadline == Int64(entry.queue)
                    oracle.remove(Int(touched))
                }
            }
            isRight =
                isRight && heap.count == oracle.count
                && heap.min?.deadline.milliseconds == oracle.first
                && heap.deadline(touched)?.milliseconds == oracle.deadlines[Int(touched)]
            if isRight {
                isRight =
                    handles < 10 || step & 1023 == 0
                    ? heap.invariantsHold() : heap.invariantsHold(around: moved ?? touched)
            }
            guard isRight else {
                Issue.record("seed \(seed), step \(step) with \(handles) handles")
                return
            }
        }
        empty(&heap, seed)
    }

    private func empty(_ heap: inout ExpiryHeap, _ seed: UInt64) {
        var previous = Int64.min
        while let entry = heap.popMin() {
            check(entry.deadline.milliseconds >= previous, "seed \(seed)")
            previous = entry.deadline.milliseconds
        }
        check(heap.isEmpty && heap.min == nil)
    }

    @Test func movesAnEntryBothWays() {
        var heap = ExpiryHeap()
        for handle in UInt32(0)..<100 { heap.set(handle, UnixTime(milliseconds: Int64(handle))) }
        heap.set(99, UnixTime(milliseconds: -1), queue: 7)
        check(heap.min?.handle == 99 && heap.min?.queue == 7)
        heap.set(99, UnixTime(milliseconds: 1000))
        check(heap.min?.handle == 0 && heap.min?.queue == 0)
        check(heap.count == 100)
        check(heap.invariantsHold())
        heap.set(5, UnixTime(milliseconds: .min))
        heap.set(6, UnixTime(milliseconds: .max))
        check(heap.popMin()?.handle == 5)
        check(heap.deadline(5) == nil)
        check(heap.deadline(6)?.milliseconds == .max)
        check(!heap.remove(1_000_000))
    }

    @Test func takesTwentyBytesForAConnection() {
        #expect(MemoryLayout<ExpiryHeap.Entry>.stride == 16)
        var heap = ExpiryHeap()
        check(heap.memoryBytes == 0)
        heap.reserve(1000)
        check(heap.memoryBytes == 20_000)
        for handle in UInt32(0)..<1000 { heap.set(handle, UnixTime(milliseconds: 0)) }
        check(heap.memoryBytes == 20_000)
        // Without a reservation half as much again at the most, once it is large.
        heap.set(1000, UnixTime(milliseconds: 0))
        check(heap.memoryBytes > 20_000 && heap.memoryBytes <= 30_040)
        check(heap.invariantsHold())
    }
}

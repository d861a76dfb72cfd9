// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// The schedule alone, with the floor's own sequence: deadlines within an hour; moved at random, or
/// taken when they are due and put back 50 to 60 minutes later.
struct HeapOperations {
    enum Work: String {
        case build
        case update
        case churn
    }

    let work: Work
    let count: Int
    let operations: Int

    private static let hourMilliseconds: UInt64 = 3_600_000

    func measure() async throws -> Measurement {
        guard UInt32(exactly: count) != nil else { throw BenchmarkFailure("too many entries") }
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        var heap = build(&state)
        let rounds = (operations + count - 1) / count
        let measurement = await Measurement(
            of: work == .build ? rounds * count : operations
        ) {
            switch work {
            case .build: for _ in 0..<rounds { heap = build(&state) }
            case .update: update(&heap, &state)
            case .churn: churn(&heap, &state)
            }
        }
        // The outcome is used, and the same on both sides.
        let earliest = heap.min?.deadline.milliseconds ?? 0
        FileHandle.standardError.write(Data("expiry_heap: earliest \(earliest)\n".utf8))
        return measurement
    }

    private func build(_ state: inout UInt64) -> ExpiryHeap {
        var heap = ExpiryHeap()
        heap.reserve(count)
        for handle in 0..<UInt32(truncatingIfNeeded: count) {
            let deadline = Int64(TokenRead.nextRandom(&state) % Self.hourMilliseconds)
            heap.set(handle, UnixTime(milliseconds: deadline))
        }
        return heap
    }

    private func update(_ heap: inout ExpiryHeap, _ state: inout UInt64) {
        for _ in 0..<operations {
            let handle = UInt32(truncatingIfNeeded: TokenRead.nextRandom(&state) % UInt64(count))
            let deadline = Int64(TokenRead.nextRandom(&state) % Self.hourMilliseconds)
            heap.set(handle, UnixTime(milliseconds: deadline))
        }
    }

    private func churn(_ heap: inout ExpiryHeap, _ state: inout UInt64) {
        for _ in 0..<operations {
            guard let entry = heap.popMin() else { return }
            let random = TokenRead.nextRandom(&state) % (Self.hourMilliseconds / 6)
            let delay = Int64(Self.hourMilliseconds / 6 * 5 + random)
            heap.set(
                entry.handle, entry.deadline.adding(milliseconds: delay), queue: entry.queue)
        }
    }
}

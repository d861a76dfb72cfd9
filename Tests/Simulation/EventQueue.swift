// SPDX-License-Identifier: Apache-2.0

/// What happens next: a binary heap of moments, each with its action. What is due at the same
/// moment happens in the order it was added, so a run repeats itself.
struct EventQueue {
    private struct Entry {
        let moment: Int64
        let number: UInt64
        let place: Int

        func isBefore(_ other: Entry) -> Bool {
            moment < other.moment || moment == other.moment && number < other.number
        }
    }

    private var heap: [Entry] = []
    /// The actions stay where they are while their entries move.
    private var actions: [(() -> Void)?] = []
    private var freePlaces: [Int] = []
    private var nextNumber: UInt64 = 0

    /// When the next action is due, in milliseconds.
    var nextMoment: Int64? { heap.first?.moment }
    var count: Int { heap.count }

    mutating func add(_ moment: Int64, _ action: @escaping () -> Void) {
        let place: Int
        if let free = freePlaces.popLast() {
            place = free
            actions[place] = action
        } else {
            place = actions.count
            actions.append(action)
        }
        let entry = Entry(moment: moment, number: nextNumber, place: place)
        nextNumber += 1
        heap.append(entry)
        var position = heap.count - 1
        while position > 0 {
            let parent = (position - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[position] = heap[parent]
            position = parent
        }
        heap[position] = entry
    }

    /// Takes the next action out; nil where there is none.
    mutating func take() -> (moment: Int64, action: () -> Void)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        guard let action = actions[first.place] else { return nil }
        actions[first.place] = nil
        freePlaces.append(first.place)
        return (first.moment, action)
    }

    private mutating func sink(_ entry: Entry) {
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            heap[position] = heap[child]
            position = child
        }
        heap[position] = entry
    }
}

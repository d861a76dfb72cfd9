// SPDX-License-Identifier: Apache-2.0

/// Who is due, who is being refreshed, who waits for it: events in, actions out, no clock inside.
///
/// One flight for each connection at the most, however many ask. A flight belongs to one version of
/// one life of a connection; when the connection is disconnected the flight is orphaned, and its
/// late answer is nobody's.
struct UpkeepState: ~Copyable {
    /// The most refreshes in flight.
    static let flightsMax = 1024

    /// A caller that waits for a refresh.
    typealias WaiterID = UInt64

    struct Flight {
        let number: UInt64
        let key: RecordKey
        let slot: UInt32
        let generation: UInt64
        var waiters: [WaiterID]
        var wave: UInt64 = 0
    }

    private var heap = ExpiryHeap()
    /// By connection; an orphan is not among them.
    private var flights: [RecordKey: Flight] = [:]
    private var orphans: [UInt64: RecordKey] = [:]
    /// Transient failures in a row; only connections that are failing.
    private var failures: [RecordKey: Int] = [:]
    private var nextFlight: UInt64 = 1

    init() {}

    var scheduledCount: Int { heap.count }
    /// Whether no further flight may start; orphans count too.
    var isFull: Bool { flights.count + orphans.count >= Self.flightsMax }
    var nextDeadline: UnixTime? { heap.min?.deadline }

    func deadline(_ slot: UInt32) -> UnixTime? { heap.deadline(slot) }
    func flight(_ key: RecordKey) -> Flight? { flights[key] }
    func failureCount(_ key: RecordKey) -> Int { failures[key] ?? 0 }
    /// Whether a flight has not ended yet, orphaned or not.
    func isOut(_ flight: Flight) -> Bool {
        flights[flight.key]?.number == flight.number || isOrphan(flight.number)
    }
    func isOrphan(_ number: UInt64) -> Bool { orphans[number] != nil }

    /// A connection is due at `deadline`; nil takes it out of the schedule.
    mutating func schedule(_ slot: UInt32, _ deadline: UnixTime?) {
        if let deadline { heap.set(slot, deadline) } else { heap.remove(slot) }
    }

    /// The slots that are due at `now`, the earliest first, as many as may be in flight. They leave
    /// the schedule; whoever does not start a flight puts them back.
    mutating func takeDue(_ now: UnixTime, limit: Int) -> [UInt32] {
        var due: [UInt32] = []
        while due.count < limit, flights.count + orphans.count + due.count < Self.flightsMax,
            let first = heap.min, first.deadline <= now
        {
            heap.remove(first.handle)
            due.append(first.handle)
        }
        return due
    }

    /// Joins the connection's flight. False where there is none: then `start` one.
    mutating func join(_ key: RecordKey, _ waiter: WaiterID) -> Bool {
        guard flights[key] != nil else { return false }
        flights[key]?.waiters.append(waiter)
        return true
    }

    /// Starts a flight; nil where the connection has one already.
    mutating func start(
        _ key: RecordKey, slot: UInt32, generation: UInt64, waiter: WaiterID?
    ) -> Flight? {
        guard flights[key] == nil else { return nil }
        let flight = Flight(
            number: nextFlight, key: key, slot: slot, generation: generation,
            waiters: waiter.map { [$0] } ?? [])
        nextFlight += 1
        flights[key] = flight
        heap.remove(slot)
        return flight
    }

    /// A caller gave up waiting; the flight goes on.
    mutating func leave(_ key: RecordKey, _ waiter: WaiterID) {
        flights[key]?.waiters.removeAll { $0 == waiter }
    }

    /// Those who wait for a flight that stays out.
    mutating func dismissWaiters(_ flight: Flight) -> [WaiterID] {
        guard flights[flight.key]?.number == flight.number else { return [] }
        defer { flights[flight.key]?.waiters = [] }
        return flights[flight.key]?.waiters ?? []
    }

    /// Ends a flight and returns who waited. Nobody, where it was orphaned meanwhile.
    mutating func end(_ flight: Flight) -> [WaiterID] {
        if orphans.removeValue(forKey: flight.number) != nil { return [] }
        guard flights[flight.key]?.number == flight.number else { return [] }
        return flights.removeValue(forKey: flight.key)?.waiters ?? []
    }

    /// The connection is being disconnected: it leaves the schedule, and its flight is orphaned.
    mutating func orphan(_ key: RecordKey, slot: UInt32) -> Flight? {
        heap.remove(slot)
        failures[key] = nil
        guard let flight = flights.removeValue(forKey: key) else { return nil }
        orphans[flight.number] = key
        return flight
    }

    /// Counts a transient failure and returns how many there were in a row.
    mutating func countFailure(_ key: RecordKey) -> Int {
        failures[key, default: 0] += 1
        return failures[key] ?? 1
    }

    /// The connection works again; true where it did not before.
    mutating func clearFailures(_ key: RecordKey) -> Bool {
        failures.removeValue(forKey: key) != nil
    }
}

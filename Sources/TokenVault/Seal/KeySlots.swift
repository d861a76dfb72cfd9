// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The erasable file SLOTS: the only copies of the data keys, 128 bytes each, overwritten in place.
///
/// LMDB never overwrites, so a record deleted there stays in the file for long; what makes it
/// unreadable is that its data key is gone from here. Reads go through a mapping and need no call
/// to the kernel; writes belong to the writer thread alone and are durable only after `sync`.
@safe
final class KeySlots: @unchecked Sendable {
    static let fileName = "SLOTS"
    static let slotBytes = 128
    /// 4 KiB at a time, in real zeros: a hole would need room when it is overwritten.
    static let slotsPerPage = 32
    static let slotCountInitial = 1024
    /// 1 GiB of slots; the address range is reserved at once, so that the mapping never moves.
    static let slotCountMax = 8_388_608
    /// How many more there are when none is free: as many as there are, and no more than a
    /// transaction may take the time for.
    static let growthSlotsMax = 8192
    /// Stands in a record that has no slot.
    static let none: UInt32 = .max

    /// The one state there is.
    private static let live: UInt8 = 1

    /// What a slot says about itself in the clear; believed only after it opened.
    struct Entry {
        let term: UInt32
        let generation: UInt64
        let key: RecordKey
    }

    private enum Offset {
        static let state = 2
        static let term = 4
        static let generation = 8
        static let key = 16
        static let nonce = 48
        static let sealed = 72
        static let end = 120
    }

    let file: Descriptor
    private let mapping: UnsafeMutableRawPointer
    private let keyring: Keyring
    /// How many slots the file has. Grows only, by the writer's thread.
    private let count: Atomic<Int>
    private let free = Monitor<[UInt32]>([])

    /// Writes the first slots of a new vault.
    static func create(_ directory: String) throws(VaultError) {
        let file = try Descriptor(
            "\(directory)/\(fileName)", flags: O_RDWR | O_CREAT | O_EXCL, stage: .seal)
        let zeros = try Secret(zeroes: SecretArena.secretBytesMax)
        let byteCount = slotCountInitial * slotBytes
        for offset in stride(from: 0, to: byteCount, by: zeros.count) {
            try file.write(zeros.bytes, at: offset)
        }
        try file.sync()
    }

    /// - Parameter salvages: reads as many slots as are there, and never writes one.
    init(
        _ directory: String, keyring: Keyring, salvages: Bool = false, readsOnly: Bool = false
    ) throws(VaultError) {
        let file = try Descriptor(
            "\(directory)/\(Self.fileName)", flags: salvages || readsOnly ? O_RDONLY : O_RDWR,
            followsLink: salvages, stage: .seal)
        let byteCount = Int(try file.status().st_size)
        var slotCount = byteCount / Self.slotBytes
        if salvages { slotCount = min(slotCount, Self.slotCountMax) }
        let isWhole = byteCount % (Self.slotBytes * Self.slotsPerPage) == 0 && slotCount >= 1
        guard salvages || isWhole && slotCount <= Self.slotCountMax else {
            throw Self.unexplained(number: byteCount)
        }
        let length = Self.slotCountMax * Self.slotBytes
        let mapped = unsafe mmap(nil, length, PROT_READ, MAP_SHARED, file.number, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw VaultError(.outOfMemory, .seal, number: Int(errno))
        }
        self.file = file
        unsafe self.mapping = mapped
        self.keyring = keyring
        count = Atomic(slotCount)
    }

    /// The error for a file that no vault can have left like this.
    static func unexplained(number: Int) -> VaultError {
        VaultError(
            .integrityFailed, .seal, number: number, detail: FailureDetail(subject: .slotsFile))
    }

    /// Finds out which slots are free, so that they can be taken.
    ///
    /// - Parameter lives: how many lives there can have been: the file never doubles without need.
    /// - Throws: `integrityFailed` where it is longer than they explain. It is not read then, for
    ///   it may be a hole that takes all of the disk.
    func findFree(lives: UInt64) throws(VaultError) {
        let slotCount = slotCount
        guard slotCount <= Self.slotCountInitial || UInt64(slotCount) / 2 <= lives else {
            throw Self.unexplained(number: slotCount)
        }
        let numbers = (0..<UInt32(slotCount)).reversed().filter { isFree($0) }
        free.withLock { $0 = numbers }
    }

    deinit { unsafe munmap(mapping, Self.slotCountMax * Self.slotBytes) }

    /// How many slots the file has.
    var slotCount: Int { count.load(ordering: .acquiring) }

    /// The slot's bytes, as they are at this moment.
    @_lifetime(borrow self)
    private func bytes(_ number: UInt32) -> RawSpan {
        let start = unsafe UnsafeRawPointer(mapping + Int(number) * Self.slotBytes)
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: Self.slotBytes)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Whether it is all zeros; false where the file has no such slot.
    func isFree(_ number: UInt32) -> Bool {
        Int(number) < slotCount && Sodium.isZero(bytes(number))
    }

    /// What the slot says in the clear; nil where it is free, out of range or of another format.
    func entry(_ number: UInt32) -> Entry? {
        guard Int(number) < slotCount else { return nil }
        let span = bytes(number)
        guard span.byte(at: 0) == 1, span.byte(at: 1) == 1,
            span.byte(at: Offset.state) == Self.live
        else { return nil }
        return Entry(
            term: span.integer(at: Offset.term),
            generation: span.integer(at: Offset.generation), key: RecordKey(span, at: Offset.key))
    }

    /// The generation with which the life in a slot began, as `entry` says it; 0 where there is
    /// none. Every record that is opened asks.
    func life(_ number: UInt32) -> UInt64 {
        guard Int(number) < slotCount else { return 0 }
        let span = bytes(number)
        guard span.byte(at: Offset.state) == Self.live else { return 0 }
        return span.integer(at: Offset.generation)
    }

    /// Opens the data key in a slot that belongs to `key`.
    ///
    /// - Throws: `authenticationFailed` where it does not open, be it free or another's.
    func dataKey(_ number: UInt32, for key: RecordKey) throws(VaultError) -> Secret {
        guard number < UInt32(Self.slotCountMax), Int(number) < slotCount else {
            throw VaultError(.authenticationFailed, .seal, number: Int(number))
        }
        let span = bytes(number)
        guard RecordKey(span, at: Offset.key) == key,
            span.integer(at: Offset.term, as: UInt32.self) == keyring.currentTerm
        else { throw VaultError(.authenticationFailed, .seal, number: Int(number)) }
        var dataKey = try Secret(zeroes: Sodium.keyBytes)
        var output = dataKey.mutableBytes
        let associated = Associated(keyring.vaultID, number, span.extracting(0..<Offset.nonce))
        let opens = Sodium.open(
            span.extracting(Offset.sealed..<Offset.end), associated: associated.bytes,
            nonce: span.extracting(Offset.nonce..<Offset.sealed), key: keyring.slotKey,
            into: &output)
        guard opens else { throw VaultError(.authenticationFailed, .seal, number: Int(number)) }
        return dataKey
    }

    /// What is in a slot that no record is known to own.
    enum Content {
        /// Zeros, or the random bytes of an erasure that was cut short.
        case nothing
        /// A data key that opens.
        case life(Entry)
        /// The form of a slot, and nothing that opens: not of this vault, of a term that HEADER
        /// does not hold, from another place, or altered. No crash leaves that.
        case unknown

        var isNothing: Bool { if case .nothing = self { true } else { false } }
    }

    func content(_ number: UInt32) throws(VaultError) -> Content {
        guard let entry = entry(number) else { return .nothing }
        do throws(VaultError) {
            _ = try dataKey(number, for: entry.key)
            return .life(entry)
        } catch {
            guard error.code == .authenticationFailed else { throw error }
            // Random bytes that begin like a slot do not end like one.
            let tail = bytes(number).extracting(Offset.end..<Self.slotBytes)
            return Sodium.isZero(tail) ? .unknown : .nothing
        }
    }

    /// Takes a free slot; grows the file where there is none.
    func take() throws(VaultError) -> UInt32 {
        let ready = free.withLock { free -> UInt32? in
            while let number = free.popLast() {
                if isFree(number) { return number }
            }
            return nil
        }
        if let ready { return ready }
        let old = slotCount
        let added = min(
            max(old, Self.slotsPerPage), Self.growthSlotsMax, Self.slotCountMax - old)
        guard added > 0 else {
            throw VaultError(.limitExceeded, .seal, number: Self.slotCountMax)
        }
        let zeros = try Secret(zeroes: Self.slotsPerPage * Self.slotBytes)
        for index in stride(from: old, to: old + added, by: Self.slotsPerPage) {
            try file.write(zeros.bytes, at: index * Self.slotBytes)
        }
        try file.sync()
        count.store(old + added, ordering: .releasing)
        free.withLock { $0 = (UInt32(old + 1)..<UInt32(old + added)).reversed() }
        return UInt32(old)
    }

    /// Slots that are not zero, but for these.
    func filled(besides known: Set<UInt32>) -> [UInt32] {
        (0..<UInt32(slotCount)).filter { !known.contains($0) && !isFree($0) }
    }

    /// Slots that are not to be taken until they are given, though they are zeros.
    func withhold(_ numbers: Set<UInt32>) {
        guard !numbers.isEmpty else { return }
        free.withLock { $0.removeAll { numbers.contains($0) } }
    }

    /// Gives a slot back that was taken and is all zeros.
    func give(_ number: UInt32) { free.withLock { $0.append(number) } }

    /// Writes a data key into a slot; durable after `sync`.
    func write(
        _ dataKey: borrowing Secret, to number: UInt32, for key: RecordKey, generation: UInt64
    ) throws(VaultError) {
        var slot = try Secret(zeroes: Self.slotBytes)
        slot.store(UInt8(1), at: 0)
        slot.store(UInt8(1), at: 1)
        slot.store(Self.live, at: Offset.state)
        slot.store(keyring.currentTerm, at: Offset.term)
        slot.store(generation, at: Offset.generation)
        slot.store(key.bytes, at: Offset.key)
        let nonce = try Secret(random: Sodium.nonceBytes)
        slot.store(nonce.bytes, at: Offset.nonce)
        let associated = Associated(
            keyring.vaultID, number, slot.bytes.extracting(0..<Offset.nonce))
        var sealed = try Secret(zeroes: Sodium.keyBytes + Sodium.tagBytes)
        var output = sealed.mutableBytes
        Sodium.seal(
            dataKey.bytes, associated: associated.bytes, nonce: nonce.bytes,
            key: keyring.slotKey, into: &output)
        slot.store(sealed.bytes, at: Offset.sealed)
        try file.write(slot.bytes, at: Int(number) * Self.slotBytes)
    }

    /// Makes written slots durable.
    func sync() throws(VaultError) { try file.sync() }

    /// "tkv1slot" ‖ vault id ‖ slot number ‖ the slot's first 48 bytes.
    private struct Associated {
        private var stored = InlineArray<76, UInt8>(repeating: 0)

        init(_ vaultID: InlineArray<16, UInt8>, _ number: UInt32, _ head: RawSpan) {
            let label: StaticString = "tkv1slot"
            var elements = stored.mutableSpan
            var output = unsafe elements.mutableBytes
            output.store(unsafe RawSpan(_unsafeStart: label.utf8Start, byteCount: 8), at: 0)
            output.store(unsafe vaultID.span.bytes, at: 8)
            output.store(number, at: 24)
            output.store(head, at: 28)
        }

        var bytes: RawSpan {
            @_lifetime(borrow self)
            borrowing get {
                let elements = stored.span
                return unsafe _overrideLifetime(elements.bytes, borrowing: self)
            }
        }
    }
}

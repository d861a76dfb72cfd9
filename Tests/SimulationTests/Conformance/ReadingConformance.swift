// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Reads of many records: one snapshot each, whole, and none once the store is closed.
@Suite("Any engine: reads", .serialized) struct ReadingConformance {
    private static func isBefore(_ left: RecordKey, _ right: RecordKey) -> Bool {
        for index in 0..<RecordKey.byteCount {
            let (a, b) = (left.bytes.byte(at: index), right.bytes.byte(at: index))
            if a != b { return a < b }
        }
        return false
    }

    private func putApplication(_ seam: Seam, _ name: String) throws {
        let record = try Seam.record(name)
        let commit = Commit()
        commit.add(
            .put(.application, seam.reading.key(.application, name), .absent), record.plaintext())
        _ = try seam.run([commit])[0].get()
    }

    private func scan(
        _ seam: Seam, _ kind: SealedRecord.Kind = .connection, atMost limit: Int = .max,
        _ meanwhile: (Int) throws -> Void = { _ in }
    ) throws -> [String] {
        var texts: [String] = []
        var failure: (any Error)?
        try seam.reading.scan(kind) { (opened) throws(VaultError) in
            texts.append(opened.fields.text(ConnectionTag.requestedScope) ?? "")
            do { try meanwhile(texts.count) } catch { failure = error }
            return texts.count < limit
        }
        if let failure { throw failure }
        return texts
    }

    @Test(
        "A scan lends each record of its kind once, until it is enough", arguments: Engine.allCases)
    func scan(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(try scan(seam).isEmpty)
        for number in 0..<30 { try seam.make("c\(number)", "text \(number)") }
        try putApplication(seam, "app")
        try seam.disconnect("c4")
        let expected = Set((0..<30).filter { $0 != 4 }.map { "text \($0)" })
        let found = try scan(seam)
        #expect(Set(found) == expected && found.count == expected.count)
        #expect(try scan(seam, atMost: 3).count == 3)
        #expect(try scan(seam, .application) == ["app"])
    }

    @Test("It sees one moment, and none that was erased since", arguments: Engine.allCases)
    func snapshot(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let names = (0..<8).map { "c\($0)" }
        for name in names { try seam.make(name) }
        // The last of the order, whichever that is here.
        var order: [String] = []
        try seam.reading.scan(.connection) { (opened) throws(VaultError) in
            let key = opened.key
            order.append(names.first { seam.key($0) == key } ?? "")
            return true
        }
        _ = try seam.fence(order[7]).get()
        let found = try scan(seam) { count in
            guard count == 1 else { return }
            try seam.make("new", "new")
            try seam.put(order[6], "second")
            _ = try seam.erase(order[7]).get()
        }
        #expect(found == Array(repeating: "first", count: 7))
        #expect(try seam.text(order[6]) == "second" && seam.text("new") == "new")
    }

    @Test("What its body throws ends it", arguments: Engine.allCases)
    func throwing(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        try seam.make("ben")
        for wanted in [VaultError.Code.cancelled, .authenticationFailed] {
            var (count, thrown) = (0, VaultError.Code?.none)
            do throws(VaultError) {
                try seam.reading.scan(.connection) { (_) throws(VaultError) in
                    count += 1
                    throw VaultError(wanted, .vault)
                }
            } catch {
                thrown = error.code
            }
            #expect(count == 1 && thrown == wanted)
        }
    }

    @Test("Keys come in the order of their bytes, so many at a time", arguments: Engine.allCases)
    func keys(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let names = (0..<25).map { "c\($0)" }
        for name in names { try seam.make(name) }
        try putApplication(seam, "app")
        let expected = names.map(seam.key).sorted(by: Self.isBefore)
        let reading = seam.reading
        #expect(try reading.keys(.connection, after: nil, atMost: 100) == expected)
        #expect(try reading.keys(.connection, after: nil, atMost: 0).isEmpty)
        var (found, last) = ([RecordKey](), RecordKey?.none)
        for _ in 0..<4 {
            let page = try reading.keys(.connection, after: last, atMost: 7)
            found += page
            guard page.count == 7, let next = page.last else { break }
            last = next
        }
        #expect(found == expected)
        #expect(try reading.keys(.connection, after: expected[24], atMost: 7).isEmpty)
        // The one to go on behind need not be there any more.
        let gone = try #require(names.first { seam.key($0) == expected[11] })
        try seam.disconnect(gone)
        #expect(
            try reading.keys(.connection, after: expected[11], atMost: 2)
                == [expected[12], expected[13]])
    }

    @Test("A verification lends every record, and counts them", arguments: Engine.allCases)
    func verify(_ engine: Engine) throws {
        let seam = try Seam(engine)
        for number in 0..<12 { try seam.make("c\(number)", "text \(number)") }
        try putApplication(seam, "app")
        _ = try seam.fence("c3").get()
        try seam.disconnect("c5")
        for atOpen in [false, true] {
            var texts: [String] = []
            let verified = try seam.reading.verify(atOpen: atOpen) { (opened) throws(VaultError) in
                texts.append(opened.fields.text(ConnectionTag.requestedScope) ?? "")
            }
            let living = (0..<12).filter { $0 != 5 }.map { "text \($0)" }
            #expect(Set(texts) == Set(living + ["app"]) && texts.count == 12)
            #expect(verified.recordCount == 12 && verified.fenced == [seam.key("c3")])
            // Whatever it did away with, no record needed it.
            #expect(try seam.text("c4") == "text 4")
        }
        var count = 0
        let end = VaultError(.cancelled, .vault)
        var thrown: VaultError.Code?
        do throws(VaultError) {
            _ = try seam.reading.verify(atOpen: false) { (_) throws(VaultError) in
                count += 1
                throw end
            }
        } catch {
            thrown = error.code
        }
        #expect(thrown == .cancelled)
        #expect(count == 1)
    }

    @Test("Once it is closed nothing is read", arguments: Engine.allCases)
    func close(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        let (reading, key) = (seam.reading, seam.key("ann"))
        reading.close()
        let reads: [() throws(VaultError) -> Void] = [
            { () throws(VaultError) in _ = try reading.open(key) },
            { () throws(VaultError) in _ = try reading.version(key) },
            { () throws(VaultError) in _ = try reading.lastGeneration() },
            { () throws(VaultError) in _ = try reading.recordCount() },
            { () throws(VaultError) in _ = try reading.openFlow(key) },
            { () throws(VaultError) in
                _ = try reading.keys(.connection, after: nil, atMost: 1)
            },
            { () throws(VaultError) in
                try reading.scan(.connection) { (_) throws(VaultError) in true }
            },
            { () throws(VaultError) in
                _ = try reading.verify(atOpen: false) { (_) throws(VaultError) in }
            },
            { () throws(VaultError) in
                _ = try reading.scanEvents(from: 0, atMost: 1) { _, _ in }
            },
        ]
        for (index, read) in reads.enumerated() {
            var code: VaultError.Code?
            do throws(VaultError) { try read() } catch { code = error.code }
            #expect(code == .closed, "read \(index)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Records are made and replaced, and each version has a generation of its own.
@Suite("Any engine: records", .serialized) struct RecordConformance {
    @Test("A put makes a record, and replaces it", arguments: Engine.allCases)
    func put(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(try seam.text("ann") == nil)
        #expect(try seam.reading.version(seam.key("ann")) == nil)
        let made = try seam.put("ann", "first").get()
        let first = try seam.version("ann")
        #expect(made.generation == first.generation && made.handle == first.handle)
        #expect(try seam.text("ann") == "first")
        let replaced = try seam.put("ann", "second").get()
        let second = try seam.version("ann")
        #expect(replaced.generation == second.generation && replaced.handle == second.handle)
        #expect(try seam.text("ann") == "second")
        #expect(try seam.reading.recordCount() == 1)
        #expect(try seam.text("ben") == nil)
    }

    @Test("A put that expects something else changes nothing", arguments: Engine.allCases)
    func expectation(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(try seam.put("ann", "x", .generation(1)).code == .notFound)
        let first = try seam.make("ann")
        #expect(try seam.put("ann", "x", .absent).code == .alreadyExists)
        let wrong = first.generation + 1
        #expect(try seam.put("ann", "x", .generation(wrong)).code == .generationChanged)
        #expect(try seam.text("ann") == "first")
        #expect(try seam.version("ann").generation == first.generation)
        #expect(try seam.put("ann", "second", .generation(first.generation)).code == nil)
        #expect(
            try seam.put("ann", "x", .generation(first.generation)).code == .generationChanged)
        #expect(try seam.text("ann") == "second")
    }

    @Test("Generations rise and never come again", arguments: Engine.allCases)
    func generations(_ engine: Engine) throws {
        let seam = try Seam(engine)
        var last: UInt64 = 0
        func isNext(_ name: String) throws -> Bool {
            let generation = try seam.version(name).generation
            defer { last = generation }
            return try generation > last && seam.reading.lastGeneration() == generation
        }
        try seam.make("ann")
        #expect(try isNext("ann"))
        try seam.make("ben")
        #expect(try isNext("ben"))
        try seam.put("ann", "second")
        #expect(try isNext("ann"))
        _ = try seam.revise("ann", Seam.revision(to: "third")).get()
        #expect(try isNext("ann"))
        // Nor where a connection ends and begins again, and not in the next process.
        try seam.disconnect("ann")
        try seam.make("ann")
        #expect(try isNext("ann"))
        try seam.disconnect("ben")
        last = try seam.reading.lastGeneration()
        try seam.restart()
        try seam.make("ben")
        #expect(try isNext("ben"))
    }

    @Test("What is read in two ways is one version", arguments: Engine.allCases)
    func version(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        try seam.put("ann", "second")
        func opened() throws -> RecordVersion? {
            guard let opened = try seam.reading.open(seam.key("ann")) else { return nil }
            #expect(opened.kind == .connection && opened.key == seam.key("ann"))
            return opened.version
        }
        let (found, version) = (try #require(try opened()), try seam.version("ann"))
        #expect(found.generation == version.generation && found.handle == version.handle)
        #expect(found.life == version.life && !found.isAbsent)
    }

    @Test("A life begins with its first generation", arguments: Engine.allCases)
    func life(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        #expect(first.life == first.generation)
        try seam.put("ann", "second")
        _ = try seam.revise("ann", Seam.revision(to: "third")).get()
        #expect(try seam.version("ann").life == first.life)
        try seam.restart()
        #expect(try seam.version("ann").life == first.life)
        try seam.disconnect("ann")
        _ = try seam.revise("ann", Seam.revision(to: "again", makes: true)).get()
        let again = try seam.version("ann")
        #expect(again.life == again.generation && again.life > first.life)
    }

    @Test("An application is a record like any other", arguments: Engine.allCases)
    func application(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let id = try ApplicationID("ann")
        let key = seam.reading.key(.application, id.text)
        #expect(key != seam.key(id.text), "the same name, another kind")
        func code() -> VaultError.Code? {
            do throws(VaultError) {
                _ = try seam.reading.application(id)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code() == .applicationNotFound)
        let application = Application(
            id: id,
            provider: Provider(
                name: "p", authorizationEndpoint: "https://p.example/authorize",
                tokenEndpoint: "https://p.example/token"),
            clientID: "client", clientSecret: nil,
            redirectURI: "https://platform.example/callback")
        let commit = Commit()
        commit.add(.put(.application, key, .absent), try ApplicationRecord.encode(application))
        _ = try seam.run([commit])[0].get()
        #expect(code() == nil)
        #expect(try seam.reading.application(id).clientID == "client")
        #expect(try seam.text("ann") == nil)
    }

    @Test("What is committed is there in the next process", arguments: Engine.allCases)
    func lasts(_ engine: Engine) throws {
        let seam = try Seam(engine)
        for number in 0..<20 { try seam.put("c\(number)", "text \(number)") }
        try seam.disconnect("c7")
        let generation = try seam.reading.lastGeneration()
        try seam.restart()
        for number in 0..<20 {
            #expect(try seam.text("c\(number)") == (number == 7 ? nil : "text \(number)"))
        }
        #expect(try seam.reading.recordCount() == 19)
        #expect(try seam.reading.lastGeneration() == generation)
    }
}

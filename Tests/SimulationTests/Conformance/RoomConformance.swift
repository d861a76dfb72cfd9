// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// A full store: nothing changes, and what has to be stored still is.
@Suite("Any engine: room", .serialized) struct RoomConformance {
    private func putFiller(_ seam: Seam, _ number: Int) throws -> Bool {
        let text = String(repeating: "x", count: 8000)
        switch try seam.put("filler \(number)", text) {
        case .success: return true
        case .failure(let error):
            try #require(error.code == .storeFull)
            return false
        }
    }

    @Test("What finds no room changes nothing, and can still be ended", arguments: Engine.allCases)
    func full(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        try seam.make("ben")
        try seam.engine.fill { try putFiller(seam, $0) }
        let long = String(repeating: "y", count: 8000)
        let (generation, count) = (
            try seam.reading.lastGeneration(), try seam.reading.recordCount()
        )
        #expect(try seam.put("new", long).code == .storeFull)
        #expect(try seam.put("ann", long).code == .storeFull)
        #expect(try seam.text("ann") == "first" && seam.text("new") == nil)
        #expect(try seam.version("ann").generation == first.generation)
        #expect(try seam.reading.lastGeneration() == generation)
        #expect(try seam.reading.recordCount() == count)
        // A refresh that was answered.
        let answered = Seam.commit { commit in
            commit.mayUseReserve = true
            commit.add(.revise(seam.key("ben"), Seam.revision(to: "refreshed")))
        }
        #expect(try seam.run([answered])[0].get().fate == .changed)
        try seam.disconnect("ann")
        #expect(try seam.text("ann") == nil && seam.text("ben") == "refreshed")
        try seam.restart()
        #expect(try seam.text("ann") == nil && seam.text("ben") == "refreshed")
        #expect(try seam.reading.recordCount() == count - 1)
    }
    @Test("A flow needs room as well", arguments: Engine.allCases)
    func flow(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        _ = try FlowConformance.add(seam, 1, of: "ann").get()
        try seam.engine.fill { try putFiller(seam, $0) }
        let generation = try seam.reading.lastGeneration()
        #expect(try FlowConformance.add(seam, 2, of: "ann").code == .storeFull)
        #expect(try seam.reading.lastGeneration() == generation)
        try seam.restart()
        let key = try FlowConformance.key(seam, 2)
        #expect(try seam.reading.openFlow(key) == nil)
    }
}

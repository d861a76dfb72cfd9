// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// However many callers want one token that has expired, and at whatever stage of its refresh they
/// come or give up: one request, and one answer for all.
@Suite("A crowd of callers") struct CrowdTests {
    /// A caller, and the token that it was lent.
    private final class Caller: @unchecked Sendable {
        var errand: Errand?
        var token: TokenText?
        var isCancelled = false
    }

    /// What happens next: mostly more callers.
    private func step(
        _ rig: Rig, _ callers: inout [Caller], _ count: Int, _ random: inout SeededRandom
    ) throws {
        switch random.below(10) {
        case 0..<6:
            for _ in 0..<min(1 + random.below(max(1, count / 4)), count - callers.count) {
                let caller = Caller()
                caller.errand = try rig.call { vault in
                    try await vault.withAccessToken(Disk.id(0)) { caller.token = TokenText($0) }
                }
                callers.append(caller)
            }
        case 6:
            guard !callers.isEmpty else { return }
            let caller = callers[random.below(callers.count)]
            if caller.errand?.isDone == false { caller.isCancelled = true }
            caller.errand?.cancel()
        case 7: rig.flushOnce()
        case 8: try rig.advance(milliseconds: Int64(random.below(500)))
        default: if rig.network.last(0) != nil { try rig.answerWithTokens(0) }
        }
        try rig.settle()
    }

    private func check(_ count: Int, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rig = try Rig(.populated(1, expiringIn: -1000))
        if random.chance(50) { try rig.start() }
        var callers: [Caller] = []
        while callers.count < count { try step(rig, &callers, count, &random) }
        try rig.flush()
        if rig.network.last(0) != nil { try rig.answerWithTokens(0) }
        try rig.flush()
        #expect(rig.network.all.count == 1, "seed \(seed)")
        let token = TokenText(.access, 0, 2)
        for caller in callers {
            let errand = try #require(caller.errand)
            #expect(errand.isDone, "seed \(seed)")
            // Whoever gives up may have been answered at the same moment.
            let isServed = errand.code == nil && caller.token == token
            #expect(isServed || caller.isCancelled && errand.code == .cancelled, "seed \(seed)")
        }
        #expect(rig.isIdle, "seed \(seed)")
    }

    @Test("A thousand seeds, thirty callers") func small() throws {
        for seed in 1...1000 as ClosedRange<UInt64> { try check(30, seed: seed) }
    }

    @Test("Ten thousand callers", arguments: 1...3 as ClosedRange<UInt64>)
    func large(seed: UInt64) throws { try check(10_000, seed: seed) }
}

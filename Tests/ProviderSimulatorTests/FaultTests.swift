// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// Faults spoil the reply as they say and carry out the request only where they say.
struct FaultTests {
    @Test func statusComesWithRetryAfterAndOnlyAsOftenAsAsked() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            fixture.simulator.set(fault: .status(503, retryAfter: "7"), replies: 2)
            for _ in 0..<2 {
                let reply = try await fixture.refresh(grant.refreshToken)
                #expect(reply.status == 503)
                #expect(reply.headers["retry-after"] == "7")
            }
            #expect(try await fixture.refresh(grant.refreshToken).status == 200)
            #expect(fixture.simulator.counters.refreshes == 1)
            #expect(fixture.simulator.counters.faultsServed == 2)
            #expect(fixture.simulator.refreshRequests(forUser: "ada") == 3)
        }
    }

    @Test func closedConnectionHasRotatedTheToken() async throws {
        try await Fixture.run({ $0.rotation = .rotating(grace: .zero) }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            fixture.simulator.set(fault: .closedWithoutReply, replies: 1)
            await #expect(throws: (any Error).self) {
                try await fixture.refresh(grant.refreshToken)
            }
            #expect(fixture.simulator.counters.refreshes == 1)
            #expect(try await fixture.refresh(grant.refreshToken).status == 400)
            #expect(fixture.simulator.counters.reuseDetected == 1)
        }
    }

    @Test(arguments: [ProviderSimulator.Fault.htmlPage, .notJSON, .redirect(to: "/elsewhere")])
    func strangeRepliesCarryNothingOut(fault: ProviderSimulator.Fault) async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            fixture.simulator.set(fault: fault)
            let reply = try await fixture.refresh(grant.refreshToken)
            switch fault {
            case .htmlPage: #expect(reply.status == 200 && reply.body.hasPrefix("<!doctype"))
            case .redirect: #expect(reply.status == 302 && reply.headers["location"] != nil)
            default: #expect(reply.status == 200 && reply.bodyBytes == 7)
            }
            #expect(fixture.simulator.counters.refreshes == 0)
            fixture.simulator.set(fault: nil)
            #expect(try await fixture.refresh(grant.refreshToken).status == 200)
        }
    }

    @Test func spoiledRepliesCarryTheRequestOut() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            fixture.simulator.set(fault: .hugeBody)
            #expect(try await fixture.refresh(grant.refreshToken).bodyBytes == 1024 * 1024)
            fixture.simulator.set(fault: .truncatedJSON)
            let half = try await fixture.refresh(grant.refreshToken)
            #expect(half.body.hasPrefix("{\"access_token\":") && !half.body.hasSuffix("}"))
            #expect(half.headers["content-length"] == String(half.bodyBytes))
            fixture.simulator.set(fault: .duplicateAccessToken)
            let twice = try await fixture.refresh(grant.refreshToken)
            #expect(twice.body.hasPrefix(#"{"access_token":"duplicate","access_token":"sim-at-"#))
            #expect(fixture.simulator.counters.refreshes == 3)
        }
    }

    @Test func delaysShowConcurrentRequests() async throws {
        try await Fixture.run { fixture in
            let grants = try fixture.simulator.mint(2)
            let first = grants[0].refreshToken
            let second = grants[1].refreshToken
            fixture.simulator.set(fault: .delayBefore(.milliseconds(300)))
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Int.self) { group in
                for token in [first, first, second] {
                    group.addTask { try await fixture.refresh(token).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            #expect(fixture.simulator.counters.peakConcurrentTokenRequests == 3)
            #expect(fixture.simulator.counters.peakConcurrentRefreshesOfOneGrant == 2)
        }
    }

    @Test func revocationCanFailToo() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            fixture.simulator.set(
                fault: .status(500, retryAfter: nil), replies: 1, endpoint: .revoke)
            #expect(try await fixture.revoke(grant.refreshToken).status == 500)
            #expect(try await fixture.works(grant.accessToken))
            #expect(try await fixture.revoke(grant.refreshToken).status == 200)
            #expect(fixture.simulator.counters.revocationRequests == 2)
        }
    }

    @Test func aDrippingReplyDoesNotKeepTheServerFromEnding() async throws {
        var start = ContinuousClock.now
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            fixture.simulator.set(fault: .oneByteASecond)
            let drip = Task { try await fixture.refresh(grant.refreshToken) }
            while fixture.simulator.counters.refreshes == 0 {
                try await Task.sleep(for: .milliseconds(10))
            }
            try await Task.sleep(for: .milliseconds(1200))
            start = .now
            await fixture.simulator.stop()
            // The reply has some 120 bytes, so that it cannot have been whole.
            let reply = await drip.result
            if case .success(let reply) = reply { #expect(reply.bodyBytes < 5) }
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}

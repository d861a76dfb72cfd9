// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// How long an attempt of an earlier process is left alone.
@Suite struct RefreshPolicyDoubtTests {
    let opened = UnixTime(seconds: 1_700_000_000)

    /// Seconds from the open to the end, for an attempt and a death so many seconds from it.
    func end(
        recorded: Int64, death: Int64, _ change: (inout Provider) -> Void = { _ in }
    ) -> Int64 {
        var provider = Provider(
            name: "p", authorizationEndpoint: "https://p.example/a",
            tokenEndpoint: "https://p.example/t")
        change(&provider)
        let end = RefreshPolicy.doubtEnd(
            recorded: opened.adding(milliseconds: 1000 * recorded), opened: opened,
            death: opened.adding(milliseconds: 1000 * death), RefreshPolicy.Limits(provider))
        return end.milliseconds(since: opened) / 1000
    }

    @Test(
        "Until a minute before the death, for 45 s at least and for 5 minutes at most",
        arguments: [
            (0, 3600, 300), (0, 180, 120), (0, 90, 45), (0, -10, 45), (-20, 3600, 280),
            (-20, -10, 25), (-20, 180, 120),
        ] as [(Int64, Int64, Int64)])
    func strict(_ recorded: Int64, _ death: Int64, _ expected: Int64) {
        #expect(end(recorded: recorded, death: death) == expected)
    }

    @Test("What is old is out no more")
    func old() {
        #expect(end(recorded: -300, death: 3600) <= 0)
        #expect(end(recorded: -86_400, death: 3600) <= 0)
    }

    @Test("What another clock wrote counts from the open on")
    func future() { #expect(end(recorded: 86_400, death: 3600) == 300) }

    @Test("Who takes the same refresh token again is not waited for")
    func lenient() {
        #expect(end(recorded: 0, death: 3600) { $0.rotation = .never } < 0)
        #expect(end(recorded: 0, death: 3600) { $0.reuseGraceSeconds = 30 } < 0)
        #expect(end(recorded: -22, death: 3600) { $0.reuseGraceSeconds = 30 } < 0)
        // There is no time left to be sure that it is taken.
        #expect(end(recorded: -23, death: 3600) { $0.reuseGraceSeconds = 30 } == 277)
        #expect(end(recorded: 0, death: 3600) { $0.reuseGraceSeconds = 7 } == 300)
        #expect(
            end(recorded: 0, death: 3600) {
                $0.refreshGrant = .exchange(grantType: "x", parameter: "y")
            } < 0)
        #expect(end(recorded: 0, death: 3600) { $0.rotation = .sometimes } == 300)
    }
}

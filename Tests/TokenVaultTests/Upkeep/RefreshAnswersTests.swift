// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What is counted of providers' answers is bounded, however many applications there are.
struct RefreshAnswersTests {
    @Test func applicationsBeyondTheMostAreCountedTogether() throws {
        var answers = RefreshAnswers()
        for number in 0..<RefreshAnswers.applicationsMax + 50 {
            let place = answers.number(try ApplicationID("application-\(number)"))
            answers.add(place, .refreshed)
            answers.add(answers.number(try ApplicationID("application-\(number)")), .grantLost)
        }
        let all = answers.all
        #expect(
            all.count == (RefreshAnswers.applicationsMax + 1) * RefreshAnswer.allCases.count)
        #expect(all.first { $0.application == nil && $0.answer == .refreshed }?.count == 50)
        let first = try ApplicationID("application-0")
        #expect(all.first { $0.application == first && $0.answer == .grantLost }?.count == 1)
        #expect(all.first { $0.application == first && $0.answer == .refused }?.count == 0)
    }
}

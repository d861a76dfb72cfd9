// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Testing
import TokenVault
import TokenVaultTesting

@testable import VaultAPI

/// For how long answers are kept, and how many.
@Suite struct IdempotencyTableTests {
    private let key = IdempotencyTable.Key(apiKey: "a", text: "1")

    private func request(_ text: String) throws -> Fingerprint {
        let secret = try Secret(testing: text)
        let hashKey = try Secret(testing: "a key of thirty-two bytes in all")
        return try Fingerprint(secret.bytes, key: hashKey)
    }

    private func name(_ finding: IdempotencyTable.Finding) -> String {
        switch finding {
        case .new: "new"
        case .answered(let answer): "answered \(String(buffer: answer.body))"
        case .inProgress: "in progress"
        case .forgotten: "forgotten"
        case .otherRequest: "other"
        case .full: "full"
        }
    }

    @Test func anAnswerGoesBeforeItsKeyDoes() throws {
        let table = IdempotencyTable()
        let start = ContinuousClock.now
        let one = try request("one")
        func take(_ seconds: Int, _ request: Fingerprint) -> String {
            name(
                table.take(
                    key, request, answerLifetime: .seconds(600), now: start + .seconds(seconds)))
        }
        #expect(take(0, one) == "new")
        #expect(take(1, one) == "in progress")
        table.end(key, Answer(status: .created, body: ByteBuffer(string: "link")))
        #expect(take(599, one) == "answered link")
        #expect(try take(599, request("two")) == "other")
        #expect(take(600, one) == "forgotten")
        #expect(take(86_399, one) == "forgotten")
        #expect(take(86_400, one) == "new")
        table.end(key, nil)
        #expect(try take(86_401, request("two")) == "new")
    }

    @Test func oneApiKeyDoesNotFillTheTable() throws {
        let table = IdempotencyTable()
        let one = try request("one")
        for number in 0..<IdempotencyTable.keysOfOneMax {
            let key = IdempotencyTable.Key(apiKey: "a", text: "\(number)")
            #expect(name(table.take(key, one, answerLifetime: .seconds(600))) == "new")
        }
        let more = IdempotencyTable.Key(apiKey: "a", text: "more")
        #expect(name(table.take(more, one, answerLifetime: .seconds(600))) == "full")
        let other = IdempotencyTable.Key(apiKey: "b", text: "more")
        #expect(name(table.take(other, one, answerLifetime: .seconds(600))) == "new")
    }
}

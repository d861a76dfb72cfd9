// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// How fast a device code is polled, and what answers to polls mean (RFC 8628 section 3.5).
@Suite("The pace of polls") struct DevicePaceTests {
    @Test("slow_down adds five seconds for good")
    func slowDown() {
        var pace = DevicePace(intervalSeconds: 5)
        #expect(pace.pauseMilliseconds == 5000)
        pace.slowDown()
        #expect(pace.pauseMilliseconds == 10_000)
        pace.goOn()
        #expect(pace.pauseMilliseconds == 10_000)
        pace.slowDown(retryAfterSeconds: 40)
        #expect(pace.pauseMilliseconds == 40_000)
        pace.goOn()
        #expect(pace.pauseMilliseconds == 15_000)
    }

    @Test("Failures double the wait, up to five minutes, until there is an answer")
    func backOff() {
        var pace = DevicePace(intervalSeconds: 5)
        var waits: [Int64] = []
        for _ in 0..<8 {
            pace.fail()
            waits.append(pace.pauseMilliseconds / 1000)
        }
        #expect(waits == [10, 20, 40, 80, 160, 300, 300, 300])
        pace.goOn()
        #expect(pace.pauseMilliseconds == 5000)
        for _ in 0..<100 { pace.fail(retryAfterSeconds: .max) }
        #expect(pace.pauseMilliseconds == 300_000)
        pace.fail(retryAfterSeconds: -9)
        #expect(pace.pauseMilliseconds == 300_000)
    }

    static let steps: [(status: Int, body: String, step: Verdict.DeviceStep)] = [
        (400, #"{"error":"authorization_pending"}"#, .goOn),
        // Google, and GitHub.
        (428, #"{"error":"authorization_pending","error_description":"x"}"#, .goOn),
        (200, #"{"error":"authorization_pending"}"#, .goOn),
        (401, #"{"error":"authorization_pending"}"#, .goOn),
        (400, #"{"error":"slow_down"}"#, .slowDown(retryAfterSeconds: nil)),
        (403, #"{"error":"slow_down"}"#, .slowDown(retryAfterSeconds: nil)),
        (429, #"{"error":"slow_down"}"#, .slowDown(retryAfterSeconds: nil)),
        (500, "", .failed(retryAfterSeconds: nil)), (503, "<p>", .failed(retryAfterSeconds: nil)),
        (400, #"{"error":"access_denied"}"#, .end), (400, #"{"error":"expired_token"}"#, .end),
        (400, #"{"error":"invalid_grant"}"#, .end), (400, #"{"error":"whatever"}"#, .end),
        (401, #"{"error":"invalid_client"}"#, .end), (200, "<p>", .end),
        // Something in between.
        (404, "", .failed(retryAfterSeconds: nil)), (403, "<p>", .failed(retryAfterSeconds: nil)),
        (200, #"{"access_token":"a","token_type":"Bearer"}"#, .end),
    ]

    @Test("What answers mean", arguments: steps.indices)
    func meaning(_ index: Int) throws {
        let (status, body, step) = Self.steps[index]
        let verdict = Verdict(
            TransportReply(status: status, body: body.isEmpty ? nil : try body.secret()))
        #expect(verdict.deviceStep == step, "\(status) \(body)")
    }

    @Test("Where there is no answer it is asked again")
    func lost() {
        for failure in [
            TransportReply.Failure.lost(curlCode: 52), .deadlineExceeded, .cancelled,
            .tooManySecrets, .unreachable(curlCode: 7),
        ] {
            #expect(
                Verdict(TransportReply(failure: failure)).deviceStep
                    == .failed(retryAfterSeconds: nil))
        }
        #expect(Verdict(TransportReply(failure: .refused(.privateAddress))).deviceStep == .end)
    }
}

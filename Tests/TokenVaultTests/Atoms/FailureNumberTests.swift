// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Failures as logs and records keep them.
@Suite("Failures as numbers") struct FailureNumberTests {
    @Test("A status, an error, a rule and what it is about come back as they were")
    func answered() {
        for status in [0, 200, 302, 404, 999] {
            for error in OAuthError.allCases.map(Optional.some) + [nil] {
                for cause in FailureCause.allCases.map(Optional.some) + [nil] {
                    for subject in FailureSubject.allCases.map(Optional.some) + [nil] {
                        let detail = FailureDetail(error: error, cause: cause, subject: subject)
                        let number = FailureNumber(status: status, detail)
                        #expect(number.raw >= 0 && number.raw <= Int64(Int32.max))
                        #expect(number.number == Int64(status) && number.detail == detail)
                    }
                }
            }
        }
    }

    @Test("So do curl's number and OpenSSL's")
    func unanswered() {
        for curlCode in [1, 7, 60, 77, 99] {
            for result in [0, 1, 10, 62, 255] {
                let number = FailureNumber(curlCode: curlCode, verifyResult: result)
                #expect(number.raw < 0 && number.raw >= Int64(Int32.min))
                #expect(number.number == -Int64(curlCode))
                #expect(number.detail.verifyResult == result)
            }
        }
    }

    @Test("What was written before there was more than a status is read as it was meant")
    func older() {
        for raw: Int64 in [0, 200, 302, 400, 503, -6, -60, -77] {
            #expect(FailureNumber(raw: raw).number == raw)
            #expect(FailureNumber(raw: raw).detail == FailureDetail())
        }
    }

    @Test("No number that a file may hold ends the process", arguments: [Int64.min, .max, -1, 1])
    func hostile(raw: Int64) {
        for kind in VaultEvent.Kind.all {
            let (number, detail) = kind.meaning(of: raw)
            #expect(abs(max(number, -.max)) >= 0 && detail.verifyResult <= 255)
        }
    }

    @Test("The numbers of the lists are on disk: nobody gets another one's")
    func lists() {
        #expect(Set(FailureCause.allCases.map(\.rawValue)).count == FailureCause.allCases.count)
        #expect(FailureSubject.allCases.allSatisfy { (1...31).contains($0.rawValue) })
        #expect(FailureCause.privateAddress.rawValue == 4)
        #expect(FailureSubject.tokenEndpoint.rawValue == 2)
        #expect(OAuthError.invalidScope.rawValue == 6)
    }
}

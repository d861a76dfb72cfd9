// SPDX-License-Identifier: Apache-2.0

/// A broken promise: what a run is there to find.
package struct Violation: Sendable, CustomStringConvertible {
    /// The promises, in the words of the report.
    package enum Promise: String, Sendable, CaseIterable {
        case oldTokenPresented = "an old refresh token was presented"
        case unrecorded = "a request left before its attempt was durable"
        case askedAfterLoss = "a connection was refreshed whose grant is lost"
        case twoInFlight = "two requests were out for one refresh token"
        case livingDeclaredLost = "a connection was declared lost whose grant lives"
        case limitExceeded = "a provider's limit was exceeded"
        case expiredWhileHealthy = "an access token expired while its provider was healthy"
        case usedAfterDisconnect = "tokens of a disconnected connection were used or kept"
        case lateAnswerKept = "an answer that came after a disconnect was not revoked"
        case lentUnfit = "a token was lent that was not the durable one, or had expired"
        case unfinished = "the run ended with something undone"
        case storm = "more requests than anything was due"
        case retriedTooSoon = "a failed refresh was retried before its back-off"
        case grantWorn = "a lost answer killed more than its grant"
        case graceMissed = "a grant died that a refresh in time would have kept"
        case secretsKept = "secrets stayed in the arena after the vault was closed"
        case answerIgnored = "an old refresh token was presented though its answer had arrived"
        case doubtRushed = "an attempt of a dead process was repeated while its request was out"
        case listenersExceeded = "more answers were listened for than there may be"
        case silentCrowded = "more than one request tried a provider that does not answer"
        case grantsRisked = "more grants were risked than a wrong client secret may cost"
        case deadGrantAsked = "a lost grant was asked for again too soon"
        case deadGrantLooksWell = "a connection whose grant is dead was not red"
        case toldLate = "a caller was not told in time that the answer is outstanding"
        case sentWhileClosing = "a request left after the vault began to close"
        case unreadPresentedAgain = "a refresh token was presented again over an unread success"
        case pauseKept = "a late answer did not end the pause of its provider"
        case pausedEarly = "a provider was taken to be down after too few failures"
        case disconnectStuck = "a disconnect did not end in its time"
        case stuck = "the upkeep turned and turned, or stood still"
    }

    package let promise: Promise
    package let seed: UInt64
    package let moment: Int64
    package let subject: Int
    package let detail: String
    package let story: [String]

    package var description: String {
        let seconds = Double(moment - VirtualClock.start) / 1000
        let lines = [
            "\(promise.rawValue): seed \(seed), \(seconds) s, connection \(subject): \(detail)"
        ]
        return (lines + story).joined(separator: "\n")
    }
}

// SPDX-License-Identifier: Apache-2.0

// What an answer says, of the application that was given it and of the connection that asked.
extension UpkeepState {
    /// What an answer says of the application that was given it.
    enum Bearing {
        /// It is taken: tokens came.
        case accepted
        /// The grant is gone; so the application is taken, unless it was just changed.
        case grantLost
        /// It is rejected.
        case rejected
        /// It is rejected, or the grant is gone.
        case likelyRejected
        /// Nothing, unless it was just changed.
        case unclear
        /// Nobody knows, nor what became of the grant: no answer came, or a fault of the server's.
        case unanswered
        /// Nothing.
        case none
    }

    /// What is to be expected of a grant when it is asked for.
    enum Prospect {
        /// That it lives.
        case good
        /// An answer was lost, and perhaps the refresh token in it.
        case doubtful
        /// By what is known of the provider's limits it is over.
        case over
    }

    /// What is found out by an answer.
    struct Finding {
        /// Whether the answer was given to an application that was changed since.
        var isOutdated = false
        /// Whether the provider rejects the application, as far as is known now.
        var isRejected = false
        /// Whether it is known since this answer.
        var isAlarm = false
        /// Whether it was rejected until now.
        var isAccepted = false
        /// Whether the refusal counts against the application, and whether it did not before.
        var isRisk = false
        var isNewRisk = false
        /// The connection, where its grant is gone: it was refused before and after another one of
        /// its application was served.
        var lost: (key: RecordKey, refusal: Refusal)?
        /// Whether the connection was refused before its application was changed, too.
        var isOld = false
        /// Whether another connection of the application succeeded since it was first refused.
        var isProven = false
        /// Whether its request was one of those that leave one at a time.
        var isProbe = false
        /// Whether the end of a grant is not believed yet.
        var isDoubted = false
        /// Whether something may be prepared that could not before.
        var wakes = false
    }
}

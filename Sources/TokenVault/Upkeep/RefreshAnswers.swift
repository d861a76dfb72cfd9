// SPDX-License-Identifier: Apache-2.0

/// What came of a refresh that was sent: the verdict on the provider's answer, in one word.
@nonexhaustive
public enum RefreshAnswer: String, CaseIterable, Sendable {
    /// New tokens.
    case refreshed
    /// None, or one that says to try again: the same refresh token is presented later.
    case delayed
    /// A success that names no token, such as a page.
    case unreadable
    /// A success that names a token and cannot be used; it is kept, sealed.
    case unread
    /// A refusal that a retry does not mend.
    case refused
    /// `invalid_client` and kin: the provider rejects the application.
    case applicationRejected
    /// `invalid_grant`, or what the provider's definition says means the same.
    case grantLost
    /// What the provider's definition says may mean a lost grant.
    case grantLikelyLost
    /// None was asked for: the endpoint's URL or address is not allowed.
    case notAllowed

    /// Nil where no byte was sent, and not for the provider's fault.
    init?(_ verdict: borrowing Verdict) {
        switch verdict {
        case .tokens: self = .refreshed
        case .transient: self = .delayed
        case .unsent: return nil
        case .applicationMisconfigured: self = .applicationRejected
        case .grantLost: self = .grantLost
        case .grantLikelyLost: self = .grantLikelyLost
        case .unread: self = .unread
        case .unreadable: self = .unreadable
        case .refused: self = .refused
        case .notAllowed: self = .notAllowed
        }
    }
}

/// How often there was each answer, by application. Counted under the lock that an answer takes
/// anyway, in a place of its own for each application: an addition, and nothing is looked up.
struct RefreshAnswers {
    /// How many applications are told apart, those that came first. What is counted of the others
    /// is counted together: there may be thousands, and whoever reads this has a row for each.
    static let applicationsMax = 200
    private static let kinds = RefreshAnswer.allCases

    private(set) var applications: [ApplicationID] = []
    private var numbers: [ApplicationID: Int] = [:]
    /// Of each application in turn, the others first, a count for each kind.
    private var counts: [UInt64] = Array(repeating: 0, count: kinds.count)

    /// The place of an application, which may be new.
    mutating func number(_ application: ApplicationID) -> Int {
        if let known = numbers[application] { return known }
        guard applications.count < Self.applicationsMax else { return 0 }
        applications.append(application)
        counts += Array(repeating: 0, count: Self.kinds.count)
        numbers[application] = applications.count
        return applications.count
    }

    mutating func add(_ number: Int, _ answer: RefreshAnswer) {
        guard let kind = Self.kinds.firstIndex(of: answer) else { return }
        counts[number * Self.kinds.count + kind] += 1
    }

    /// A copy that shares no memory: else the next answer would have to copy.
    var all: [(application: ApplicationID?, answer: RefreshAnswer, count: UInt64)] {
        (0...applications.count).flatMap { number in
            Self.kinds.enumerated().map { kind, answer in
                (
                    number == 0 ? nil : applications[number - 1], answer,
                    counts[number * Self.kinds.count + kind]
                )
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The members of a line of an import, as the article ImportAndExport lists them.
enum LineMember: String, CaseIterable, Sendable {
    case version = "v"
    case id
    case application
    case grant, subject
    case accessToken = "access_token"
    case refreshToken = "refresh_token"
    case tokenType = "token_type"
    case scope
    case requestedScope = "requested_scope"
    case expiresAt = "expires_at"
    case expiresIn = "expires_in"
    case issuedAt = "issued_at"
    case expirySource = "expiry_source"
    case refreshTokenExpiresAt = "refresh_token_expires_at"
    case createdAt = "created_at"
    case connectedAt = "connected_at"
    case refreshedAt = "refreshed_at"
    case usedAt = "used_at"
    case refreshCount = "refresh_count"
    case earlierGrants = "earlier_grants"
    case account
    case variables
    case captured
    case hidden
    case clientID = "client_id"
    case clientSecret = "client_secret"
    case grantLostAt = "grant_lost_at"
    case grantLostStatus = "grant_lost_status"

    /// The version of the form that `v` names, where a line has it.
    static let versionNumber: Int64 = 1

    /// The member of this name; nil where there is none.
    init?(_ name: RawSpan) {
        guard let member = Self.allCases.first(where: { name.equals($0.rawValue) }) else {
            return nil
        }
        self = member
    }
}

/// What is wrong with one line of an import: which member, and which rule. It holds no value.
public struct LineFault: Error, Hashable, Sendable {
    /// The rule that is broken.
    @nonexhaustive
    public enum Problem: String, Sendable, CaseIterable {
        /// The line is not UTF-8.
        case notUTF8
        /// It is no JSON object.
        case notAnObject
        /// Something follows the object.
        case trailingText
        /// The line, or a member, is longer than `limit` bytes.
        case tooLong
        /// No line has a member of that name.
        case unknownMember
        /// A member, or a name in one, is there twice.
        case twice
        /// Another kind of value is wanted.
        case wrongType
        /// A member that each line has is not there.
        case missing
        case empty
        /// A character that may not be there.
        case wrongCharacter
        /// No moment: neither RFC 3339 nor seconds since 1970.
        case notATime
        /// A moment that was meant in milliseconds.
        case milliseconds
        /// A number, or a moment, out of its range.
        case outOfRange
        /// `expires_in` beside `expires_at`.
        case conflict
        /// `expires_in` without `issued_at`.
        case needsIssuedAt
        /// Settings of an application that is not named, or a grant that needs one.
        case needsApplication
        /// `client_secret` without `client_id`.
        case needsClientID
        /// `grant_lost_status` without `grant_lost_at`.
        case needsGrantLostAt
        /// A refresh token, its expiry or a subject beside a `grant` that has none.
        case notOfGrant
        /// A later version of the form.
        case newerVersion
        /// More names than `limit`.
        case tooMany
        /// An earlier line has the same id.
        case sameID
    }

    /// The member's name; nil where it is the line as a whole, or a name that is not shown.
    public let member: String?
    /// What is wrong with it.
    public let problem: Problem
    /// The limit, where one was exceeded; else 0.
    public let limit: Int

    package init(_ member: String?, _ problem: Problem, limit: Int = 0) {
        self.member = member
        self.problem = problem
        self.limit = limit
    }

    init(_ member: LineMember, _ problem: Problem, limit: Int = 0) {
        self.init(member.rawValue, problem, limit: limit)
    }
}

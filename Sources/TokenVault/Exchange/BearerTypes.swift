// SPDX-License-Identifier: Apache-2.0

/// Which values of `token_type` belong to tokens that are sent as `Authorization: Bearer` (RFC 6749
/// section 7.1).
///
/// Where somebody connects, only `Bearer` does, and what the provider's definition lists: a
/// definition that is wrong shows while the user is there. A refresh may have replaced the only
/// refresh token, and its answer is taken whatever it calls its token, unless it is known that such
/// a token is of no use by itself.
struct BearerTypes: Sendable {
    /// As the definition lists them, in small letters.
    private let listed: [String]
    private let takesUnknown: Bool

    private let takesInsufficient: Bool

    /// Types that need more than the token: a proof with each request (the HTTP MAC draft, RFC 9200
    /// section 5.8.4.3, RFC 9449 section 5), or that are of no access token (RFC 8693 section
    /// 2.2.1).
    private static let insufficient: Swift.Set = ["mac", "pop", "dpop", "n_a"]

    private init(_ listed: [String], takesUnknown: Bool, takesInsufficient: Bool = false) {
        self.listed = listed.map { $0.lowercased() }
        self.takesUnknown = takesUnknown
        self.takesInsufficient = takesInsufficient
    }

    /// `Bearer` alone.
    static let bearer = BearerTypes([], takesUnknown: false)

    /// Every one, for tokens that are only revoked.
    static let any = BearerTypes([], takesUnknown: true, takesInsufficient: true)

    /// In the answer to a code.
    static func connect(_ provider: Provider) -> BearerTypes {
        BearerTypes(provider.bearerTokenTypes, takesUnknown: false)
    }

    /// In the answer to a refresh.
    static func refresh(_ provider: Provider) -> BearerTypes {
        BearerTypes(provider.bearerTokenTypes, takesUnknown: true)
    }

    /// What an answer calls its token.
    enum Named: Sendable, Equatable {
        /// `Bearer`, or nothing: several providers leave it out.
        case bearer
        /// Something else, in small letters; empty where it is no text, or none so short.
        case other(String)

        /// The longest other one that is told apart, in bytes.
        static let byteCountMax = Provider.bearerTokenTypeBytesMax

        /// Compared without case (RFC 6749 section 5.1), and without white space around it.
        init(_ text: String?) {
            if text == "Bearer" || text == "bearer" {
                self = .bearer
                return
            }
            let trimmed = text.map(Self.trimmed)?.lowercased()
            guard let trimmed, trimmed.utf8.count <= Self.byteCountMax else {
                self = .other("")
                return
            }
            self = trimmed == "bearer" || trimmed.isEmpty ? .bearer : .other(trimmed)
        }

        private static func trimmed(_ text: String) -> Substring {
            var rest = Substring(text)
            while let first = rest.first, first.isWhitespace { rest.removeFirst() }
            while let last = rest.last, last.isWhitespace { rest.removeLast() }
            return rest
        }
    }

    /// Whether a token that is called so is taken.
    func take(_ named: Named) -> Bool {
        switch named {
        case .bearer: true
        case .other(let type):
            listed.contains(type)
                || takesUnknown && (takesInsufficient || !Self.insufficient.contains(type))
        }
    }
}

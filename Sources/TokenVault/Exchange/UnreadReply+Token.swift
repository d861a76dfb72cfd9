// SPDX-License-Identifier: Apache-2.0

extension UnreadReply {
    /// Which tokens such a body names, by themselves no secret.
    struct Names: Sendable {
        fileprivate(set) var hasRefreshToken = false
        fileprivate(set) var hasAccessToken = false
        /// Whether it names others that cannot be read. What is deeper than is looked, or no text,
        /// counts as a refresh token.
        fileprivate(set) var leavesRefreshToken = false
        fileprivate(set) var leavesAccessToken = false

        var isComplete: Bool { !leavesRefreshToken && !leavesAccessToken }
    }

    /// The tokens of such a body, the first of each kind, in blocks of their own.
    struct Tokens: ~Copyable, Sendable {
        private(set) var refreshToken: Secret?
        private(set) var accessToken: Secret?
        private(set) var names = Names()

        /// How many objects inside one another are looked into.
        private static let depthMax = 8

        fileprivate init(_ body: RawSpan) throws(VaultError) {
            if JSONScanner.isWholeObject(body) {
                try addMembers(of: body, depth: 1)
            } else {
                try addPairs(of: body)
            }
        }

        private mutating func addMembers(of object: RawSpan, depth: Int) throws(VaultError) {
            var scanner = try JSONScanner(object)
            while let member = try scanner.next() {
                let value = member.value
                if scanner.isEmpty(value) { continue }
                let name = ReplyMember.token(
                    named: scanner.written(member.name), hasEscapes: member.name.hasEscapes)
                if let name {
                    put(try Self.text(value, scanner), name)
                } else if value.kind == .object || value.kind == .array {
                    try addDeeper(scanner.written(value), isObject: value.kind == .object, depth)
                }
            }
        }

        private mutating func addDeeper(
            _ container: RawSpan, isObject: Bool, _ depth: Int
        ) throws(VaultError) {
            guard UnreadReply.holdsToken(container) else { return }
            guard isObject, depth < Self.depthMax, JSONScanner.isWholeObject(container) else {
                names.leavesRefreshToken = true
                return
            }
            try addMembers(of: container, depth: depth + 1)
        }

        /// Nil where no server can have meant it.
        private static func text(
            _ value: JSONScanner.Value, _ scanner: borrowing JSONScanner
        ) throws(VaultError) -> Secret? {
            guard value.kind == .string, let count = scanner.visibleByteCount(value),
                (1...TokenSet.tokenBytesMax).contains(count)
            else { return nil }
            var token = try Secret(copying: scanner.written(value))
            if value.hasEscapes {
                token.shorten(to: JSONText.unescape(0..<token.count, of: &token).upperBound)
            }
            return token
        }

        private mutating func addPairs(of body: RawSpan) throws(VaultError) {
            let form = UnreadReply.form(body)
            var start = 0
            while start < form.byteCount, let pair = UnreadReply.pair(form, from: start) {
                start = pair.end + 1
                let from = pair.name.upperBound + 1
                guard from < pair.end,
                    let name = ReplyMember.token(
                        named: form.extracting(pair.name), hasEscapes: false)
                else { continue }
                put(try Self.text(form.extracting(from..<pair.end)), name)
            }
        }

        private static func text(_ value: RawSpan) throws(VaultError) -> Secret? {
            guard let token = try TextEncoding.formDecoded(value), isToken(token) else {
                return nil
            }
            return token
        }

        private static func isToken(_ text: borrowing Secret) -> Bool {
            (1...TokenSet.tokenBytesMax).contains(text.count) && JSONText.isVisible(text.bytes)
        }

        private mutating func put(_ token: consuming Secret?, _ name: ReplyMember) {
            let isRefreshToken = name == .refreshToken
            let isTaken = isRefreshToken ? names.hasRefreshToken : names.hasAccessToken
            guard !isTaken, let token = token.take() else {
                if isRefreshToken {
                    names.leavesRefreshToken = true
                } else {
                    names.leavesAccessToken = true
                }
                return
            }
            if isRefreshToken {
                refreshToken = consume token
                names.hasRefreshToken = true
            } else {
                accessToken = consume token
                names.hasAccessToken = true
            }
        }
    }

    /// The tokens of a body, each as far as it can be read by itself, whatever is wrong beside it.
    ///
    /// - Throws: as `Secret.init(copying:)`.
    static func tokens(in body: RawSpan) throws(VaultError) -> Tokens { try Tokens(body) }
}

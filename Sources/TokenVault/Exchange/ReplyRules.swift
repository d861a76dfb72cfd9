// SPDX-License-Identifier: Apache-2.0

/// How a provider's answers differ from RFC 6749's, as its definition says: which paths lead to
/// what is read. Made once for the requests that leave together; nil for a provider that says
/// nothing of it, and then it costs nothing.
package final class ReplyRules: Sendable {
    /// What the value at a node is read for.
    enum Use: Sendable {
        case member(Provider.ReplyMembers.Name)
        /// Whether it is a success.
        case successCode
        /// Kept beside the tokens, under this name.
        case captured(String)
        /// Read for itself: it must be there still where a long answer is reduced.
        case kept
    }

    /// A member, or an element of a list, that lies on a path.
    struct Node: Sendable {
        let name: String
        var uses: [Use] = []
        var children: [Int] = []
        /// Whether one of RFC 6749's members lies here or deeper: what is wrong on the way there
        /// may cost a token.
        var leadsToMember = false
    }

    /// The nodes, each before its children. The first is the answer itself.
    let nodes: [Node]
    /// The members that are read at a path, and not at the top.
    private let moved: Swift.Set<ReplyMember>
    /// How many of the unit of lifetimes are a second.
    let unitsPerSecond: Int64
    /// Where the error code lies, where that is not at the top.
    let errorPath: ReplyPath?
    /// Where codes lie that say how it went.
    let codePaths: [ReplyPath]
    /// Where the tokens lie that no other provider has under such a name.
    let otherTokens: [(member: ReplyMember, path: ReplyPath)]
    /// Where RFC 6749's members lie that are not at the top.
    private let memberPaths: [ReplyPath]
    private let successValues: [String]
    private let temporaryErrors: [Provider.TemporaryError]
    /// How the tokens of a second connection are read that may lie in the same answer; nil where
    /// none are looked for.
    let second: ReplyRules?

    /// The node that stands for the answer itself.
    static let root = 0

    /// Nil where answers are as RFC 6749 has them.
    ///
    /// - Parameters:
    ///   - hasTokensAtTop: whether the tokens are read at the top, wherever the provider has them:
    ///     `UnreadReply` keeps some there.
    ///   - readsSecond: whether the tokens of a second connection are looked for.
    package convenience init?(
        _ provider: Provider, hasTokensAtTop: Bool = false, readsSecond: Bool = false
    ) {
        let second = readsSecond ? provider.secondConnection : nil
        self.init(
            provider, provider.replyMembers, hasTokensAtTop: hasTokensAtTop,
            second: second.flatMap {
                ReplyRules(provider, $0.replyMembers, hasOnlyPaths: true)
            })
    }

    /// - Parameter hasOnlyPaths: whether nothing of the tokens is read but where a path says: what
    ///   lies at the top belongs to others.
    private init?(
        _ provider: Provider, _ replyMembers: Provider.ReplyMembers, hasTokensAtTop: Bool = false,
        hasOnlyPaths: Bool = false, second: ReplyRules? = nil
    ) {
        var members: [(name: Provider.ReplyMembers.Name, path: ReplyPath)] = []
        for (name, path) in replyMembers.given {
            let isToken = name == .accessToken || name == .refreshToken
            if !(isToken && hasTokensAtTop), let path = ReplyPath(path) {
                members.append((name, path))
            }
        }
        guard
            !members.isEmpty || provider.lifetimeUnit != .seconds || provider.successCode != nil
                || !provider.temporaryErrors.isEmpty || !provider.capturedFromReply.isEmpty
                || !provider.errorPaths.isEmpty || second != nil
        else { return nil }
        var nodes = [Node(name: "")]
        for (name, path) in members { Self.add(.member(name), path, &nodes) }
        let successPath = provider.successCode.flatMap { ReplyPath($0.member) }
        if let successPath { Self.add(.successCode, successPath, &nodes) }
        for captured in provider.capturedFromReply {
            guard let path = ReplyPath(captured.path) else { continue }
            Self.add(.captured(captured.name), path, &nodes)
        }
        let errorPaths = provider.errorPaths.compactMap(ReplyPath.init)
        for path in errorPaths + (second?.memberPaths ?? []) { Self.add(.kept, path, &nodes) }
        self.nodes = nodes
        successValues = provider.successCode?.values ?? []
        temporaryErrors = provider.temporaryErrors
        let elsewhere =
            hasOnlyPaths
            ? Provider.ReplyMembers.Name.allCases.filter { $0 != .error } : members.map(\.name)
        moved = Swift.Set(elsewhere.flatMap { ReplyMember.moved(with: $0) })
        memberPaths = members.map(\.path)
        self.second = second
        unitsPerSecond = provider.lifetimeUnit == .milliseconds ? 1000 : 1
        errorPath = members.first { $0.name == .error }?.path
        codePaths = [errorPath, successPath].compactMap { $0 } + errorPaths
        otherTokens = members.compactMap { name, path in
            if ReplyMember.isToken(named: path) { return nil }
            switch name {
            case .accessToken: return (.accessToken, path)
            case .refreshToken: return (.refreshToken, path)
            default: return nil
            }
        }
    }

    private static func add(_ use: Use, _ path: ReplyPath, _ nodes: inout [Node]) {
        var node = root
        for name in path.names {
            if let child = nodes[node].children.first(where: { nodes[$0].name == name }) {
                node = child
            } else {
                nodes.append(Node(name: name))
                nodes[node].children.append(nodes.count - 1)
                node = nodes.count - 1
            }
            if case .member = use { nodes[node].leadsToMember = true }
        }
        nodes[node].uses.append(use)
    }

    /// Whether an object has a token where the provider has them.
    func holdsToken(_ object: RawSpan) -> Bool {
        (try? TokenReply.Members(object, self))?.holdsToken ?? false
    }

    /// Whether what an answer has as its success code says that it is one.
    func isSuccess(_ value: JSONScanner.Value, in scanner: borrowing JSONScanner) -> Bool {
        switch value.kind {
        case .null: return true
        case .string where value.range.isEmpty: return true
        case .object, .array, .other: return false
        case .string, .number, .true, .false: break
        }
        for text in successValues {
            let span = text.utf8Span.span
            if unsafe scanner.isText(value, span.bytes) { return true }
        }
        return false
    }

    /// Whether an answer without tokens names an error that passes.
    func isTemporary(_ status: Int, _ body: borrowing Secret) -> Bool {
        let answers = temporaryErrors.filter { $0.status == nil || $0.status == status }
        return ErrorCodes(answers.compactMap(\.error), self).occur(in: body)
    }

    /// Whether one that names no error passes.
    func isTemporary(_ status: Int) -> Bool {
        temporaryErrors.contains { $0.status == status && $0.error == nil }
    }

    /// Whether what is at the top under this name is passed over.
    func moves(_ member: ReplyMember) -> Bool { moved.contains(member) }

    /// The node that a member of the object at `node` is, by its name as it is written.
    func child(of node: Int, _ written: RawSpan, hasEscapes: Bool) -> Int? {
        nodes[node].children.first { child in
            let name = nodes[child].name.utf8Span.span
            guard hasEscapes || written.byteCount == name.count else { return false }
            return unsafe JSONText.isText(written, name.bytes)
        }
    }

    /// The node that an element of the list at `node` is.
    func child(of node: Int, element index: Int) -> Int? {
        nodes[node].children.first { nodes[$0].name == String(index) }
    }
}

extension ReplyMember {
    /// Those at the top that a path of this name replaces.
    fileprivate static func moved(with name: Provider.ReplyMembers.Name) -> [ReplyMember] {
        switch name {
        case .accessToken: [.accessToken]
        case .refreshToken: [.refreshToken]
        case .tokenType: [.tokenType]
        case .expiresIn: [.expiresIn, .expiresInCamel]
        case .expiresAt: [.expiresAt, .expiresOn]
        case .refreshTokenExpiresIn:
            [.refreshTokenExpiresIn, .refreshTokenExpiresInX, .refreshExpiresIn]
        // It has no name at the top.
        case .refreshTokenExpiresAt: []
        case .scope: [.scope]
        case .error: [.error]
        }
    }

    /// Whether the last name of a path is one that tokens have elsewhere, too.
    fileprivate static func isToken(named path: ReplyPath) -> Bool {
        let name = path.names[path.names.count - 1]
        let span = name.utf8Span.span
        return unsafe token(named: span.bytes, hasEscapes: false) != nil
    }
}

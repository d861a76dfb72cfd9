// SPDX-License-Identifier: Apache-2.0

extension ReplyRules {
    /// Walks an answer along the paths, and takes what lies at their ends.
    struct Walk {
        private let rules: ReplyRules
        private var seen: [Bool]

        init(_ rules: ReplyRules) {
            self.rules = rules
            seen = Array(repeating: false, count: rules.nodes.count)
        }

        /// Takes a member of the object at a node.
        ///
        /// - Parameter base: where what is scanned begins in the body.
        mutating func take(
            _ member: JSONScanner.Member, of scanner: borrowing JSONScanner, from base: Int = 0,
            at node: Int, into members: inout TokenReply.Members
        ) throws(VaultError) {
            guard
                let child = rules.child(
                    of: node, scanner.written(member.name), hasEscapes: member.name.hasEscapes)
            else { return }
            let isMember = rules.nodes[child].leadsToMember
            guard !seen[child] else {
                if isMember { throw TokenReply.Members.unusable(.memberTwice) }
                return
            }
            seen[child] = true
            try take(member.value, of: scanner, from: base, at: child, into: &members)
        }

        private mutating func take(
            _ value: JSONScanner.Value, of scanner: borrowing JSONScanner, from base: Int,
            at node: Int, into members: inout TokenReply.Members
        ) throws(VaultError) {
            for use in rules.nodes[node].uses {
                switch use {
                case .member(let name):
                    try members.take(value, as: name, of: scanner, from: base)
                case .successCode:
                    guard !rules.isSuccess(value, in: scanner) else { continue }
                    members.failure = OAuthError.read(value, in: scanner) ?? .other
                case .captured(let name): members.capture(value, as: name, of: scanner)
                case .kept: break
                }
            }
            guard !rules.nodes[node].children.isEmpty else { return }
            let inner = scanner.written(value)
            let innerBase = base + value.range.lowerBound
            do throws(VaultError) {
                switch value.kind {
                case .object: try takeMembers(inner, from: innerBase, at: node, into: &members)
                case .array: try takeElements(inner, from: innerBase, at: node, into: &members)
                default: break
                }
            } catch {
                // What is wrong where no token lies must not cost those beside it.
                if rules.nodes[node].leadsToMember { throw error }
            }
        }

        private mutating func takeMembers(
            _ object: RawSpan, from base: Int, at node: Int, into members: inout TokenReply.Members
        ) throws(VaultError) {
            var scanner = try JSONScanner(object)
            while let member = try scanner.next() {
                try take(member, of: scanner, from: base, at: node, into: &members)
            }
        }

        private mutating func takeElements(
            _ array: RawSpan, from base: Int, at node: Int, into members: inout TokenReply.Members
        ) throws(VaultError) {
            var scanner = try JSONScanner(array)
            var index = 0
            while let element = try scanner.nextElement() {
                if let child = rules.child(of: node, element: index) {
                    try take(element, of: scanner, from: base, at: child, into: &members)
                }
                index += 1
            }
        }
    }
}

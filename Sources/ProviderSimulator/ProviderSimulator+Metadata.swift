// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator {
    /// What the server publishes about itself, and where.
    public struct Metadata: Sendable, Equatable {
        /// The path of the issuer identifier: `/realms/acme`, or `/` for a slash at its end. The
        /// endpoints stay where they are.
        public var path = ""

        /// The documents that are there; the others are answered by 404.
        public var documents: Set<Document> = [.oauth, .openID]

        /// Members that differ in a document from what the server does: the name, and its value as
        /// JSON; an empty text leaves the member out.
        public var members: [Document: [String: String]] = [:]

        /// Bytes that stand in the place of a whole document.
        public var bytes: [Document: String] = [:]

        /// What a server publishes by default.
        public init() {}
    }

    /// A document about the server.
    public enum Document: String, Sendable, Codable, CaseIterable {
        /// RFC 8414: its ending is before the path.
        case oauth
        /// OpenID Connect Discovery 1.0: its ending is behind the path.
        case openID = "openid"
        /// The same where RFC 8414 section 5 has it: before the path.
        case openIDInserted = "openid_inserted"
    }
}

extension ProviderSimulator.Metadata {
    /// The document at a path; nil where there is none.
    func document(at path: Substring) -> ProviderSimulator.Document? {
        let own = self.path.hasSuffix("/") ? self.path.dropLast() : self.path[...]
        let places: [(ProviderSimulator.Document, String)] = [
            (.oauth, "/.well-known/oauth-authorization-server" + own),
            (.openID, own + "/.well-known/openid-configuration"),
            (.openIDInserted, "/.well-known/openid-configuration" + own),
        ]
        return places.first { documents.contains($0.0) && $0.1 == path }?.0
    }
}

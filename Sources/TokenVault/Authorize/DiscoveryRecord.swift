// SPDX-License-Identifier: Apache-2.0

/// What is kept of a discovery beside the application that was made from it: when it was, and what
/// came of it.
public struct DiscoveryRecord: Hashable, Sendable {
    /// When the documents were fetched.
    public var fetched: UnixTime
    /// Where the documents were, as URLs, the one of RFC 8414 first; one or two.
    public var documents: [String]
    /// The settings of the provider that follow the documents, by their keys, also where these say
    /// nothing of one: what `refreshIssuer` may change. Whoever changes one of them by hand takes
    /// it out.
    public var settings: [String]

    /// A record.
    public init(fetched: UnixTime, documents: [String], settings: [String]) {
        self.fetched = fetched
        self.documents = documents
        self.settings = settings
    }
}

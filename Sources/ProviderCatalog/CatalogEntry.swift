// SPDX-License-Identifier: Apache-2.0

public import TokenVault

/// A provider of the catalog: its definition, and where its facts come from.
public struct CatalogEntry: Hashable, Sendable {
    /// The definition.
    public var provider: Provider
    /// What people call it, such as "QuickBooks Online".
    public var title: String
    /// Whether somebody has connected an account with this very definition. Until then it is what
    /// documents and other people's code say.
    public var isVerified: Bool
    /// The month in which the facts were gathered, such as "2026-11"; nil where nobody says.
    public var factsDate: String?
    /// Where the facts come from.
    public var sources: [String]
    /// The settings whose values nobody has confirmed.
    public var unverifiedSettings: [String]
    /// The settings that the definition gives, by their keys.
    package var givenSettings: Set<String> = []

    /// An entry of which the definition alone is known.
    public init(_ provider: Provider) {
        self.provider = provider
        title = provider.name
        isVerified = false
        (factsDate, sources, unverifiedSettings) = (nil, [], [])
    }
}

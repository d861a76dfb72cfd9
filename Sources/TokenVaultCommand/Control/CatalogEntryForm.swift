// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog
import TokenVault

/// An entry of the catalog as JSON has it.
struct CatalogEntryForm: Encodable {
    let name: String
    let title: String
    let verified: Bool
    let factsDate: String?
    let sources: [String]
    let unverified: [String]
    let provider: ProviderForm

    init(_ entry: CatalogEntry) {
        name = entry.provider.name
        title = entry.title
        verified = entry.isVerified
        factsDate = entry.factsDate
        sources = entry.sources
        unverified = entry.unverifiedSettings
        provider = ProviderForm(entry.provider)
    }

    enum CodingKeys: String, CodingKey {
        case name, title, verified, sources, unverified, provider
        case factsDate = "facts_date"
    }
}

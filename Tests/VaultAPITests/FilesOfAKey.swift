// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import TokenVault

/// A vault with one key, closed and opened again, and its files searched.
struct FilesOfAKey {
    private let files: TestVault

    init() throws {
        files = try TestVault()
        try files.create()
    }

    func look() async throws {
        let secret = try APIKeySecret()
        let vault = try files.open()
        try await vault.addAPIKey(secret, name: "billing at night", scopes: [.tokensRead])
        vault.close()
        let again = try files.open()
        let known = try await again.apiKey(shown: secret.text)
        #expect(known?.name == "billing at night" && known?.scopes == [.tokensRead])
        #expect(known?.id == secret.id)
        again.close()
        let hidden = String(secret.text.exposed.suffix(43))
        for name in ["SLOTS", "HEADER", "db/data.mdb"] {
            let text = String(decoding: try files.bytes(name), as: UTF8.self)
            #expect(!text.contains(hidden) && !text.contains("billing at night"), "\(name)")
        }
    }
}

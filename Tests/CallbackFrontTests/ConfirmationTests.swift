// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Synchronization
import Testing
import TokenVault

@testable import CallbackFront

/// Whoever finishes a flow is who started it: the platform says so, before the code is exchanged.
@Suite struct ConfirmationTests {
    private static let url = "https://platform.example/confirm"

    private func link(_ site: Site) async throws -> CallbackFront.Link {
        try await site.front.link(
            for: ConnectionID("ada/practice"), application: ApplicationID("demo"),
            awaitsConfirmation: true)
    }

    @Test("C5: the code is exchanged once the platform has confirmed the session, not before")
    func isExchangedOnceConfirmed() async throws {
        try await Site.run({ $0.confirmationURL = Self.url }) { site in
            let browser = try Browser()
            let link = try await link(site)
            let callback = try await site.consent(link.url, in: browser)
            let held = try await browser.get(callback)
            #expect(held.location == "\(Self.url)?flow=\(link.flow.text)")
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try !site.isConnected())
            #expect(try await browser.get(callback).location == "/failed/callbackRejected")
            try await site.vault.confirm(link.flow)
            #expect(site.provider.counters.codeExchanges == 1)
            #expect(try await site.userinfo() == 200)
        }
    }

    @Test("C5: a stolen link that another user finishes is dropped, and its code never sent")
    func isDroppedForAnotherUser() async throws {
        try await Site.run({ $0.confirmationURL = Self.url }) { site in
            let link = try await link(site)
            // Eve was sent Ada's link; the platform's session says that it is Eve.
            let eve = try Browser()
            let callback = try await site.consent(link.url, in: eve)
            #expect(try await eve.get(callback).location?.hasPrefix(Self.url) ?? false)
            try await site.vault.drop(link.flow)
            await #expect(throws: VaultError.self) { try await site.vault.confirm(link.flow) }
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try !site.isConnected())
        }
    }

    @Test("C5: another browser's callback is not even held")
    func isHeldForItsBrowserAlone() async throws {
        try await Site.run({ $0.confirmationURL = Self.url }) { site in
            let (ada, eve) = (try Browser(), try Browser())
            let link = try await link(site)
            let callback = try await site.consent(link.url, in: ada)
            _ = try await site.open(site.link("eve's"), in: eve)
            #expect(try await eve.get(callback).location == "/failed/callbackRejected")
            await #expect(throws: VaultError.self) { try await site.vault.confirm(link.flow) }
            #expect(try await ada.get(callback).location?.hasPrefix(Self.url) ?? false)
        }
    }

    @Test func aDenialNeedsNoConfirmation() async throws {
        let outcomes = Mutex<[FlowOutcome]>([])
        try await Site.run({ configuration in
            configuration.confirmationURL = Self.url
            configuration.onFlowEnded = { outcome in outcomes.withLock { $0.append(outcome) } }
        }) { site in
            let browser = try Browser()
            let link = try await link(site)
            let callback = try await site.consent(link.url, in: browser)
            let denied = callback.replacingOccurrences(of: "code=", with: "error=access_denied&x=")
            #expect(try await browser.get(denied).location == "/failed/flowDenied")
            #expect(outcomes.withLock { $0 }.map(\.result) == [.denied("flowDenied")])
            #expect(outcomes.withLock { $0 }.first?.flow == link.flow)
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test func needsAURLThatIsConfigured() async throws {
        try await Site.run { site in
            await #expect(throws: CallbackFrontError(.confirmationURLMissing)) {
                try await link(site)
            }
        }
        for url in ["/confirm", "http://platform.example/x", "https://platform.example/x?y=1"] {
            await #expect(throws: CallbackFrontError(.confirmationURLRefused), "\(url)") {
                try await Site.run({ $0.confirmationURL = url }) { _ in }
            }
        }
    }
}

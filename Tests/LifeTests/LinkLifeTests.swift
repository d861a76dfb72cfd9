// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// Connection links, where flows end, and flows that the platform has to confirm, against the
/// practice server.
@Suite("Connection links") struct LinkLifeTests {
    static let redirectURI = "https://platform.example/callback/practice"
    static let redirects = Redirects(
        success: "https://platform.example/done", failure: "https://platform.example/failed",
        parameters: RedirectParameters(
            instanceId: "i 1", instanceName: "n", integrationId: "g", integrationName: "m",
            requiredConfigVariableId: "v", requiredConfigVariableKey: "k", id: "c"),
        failureCarriesError: true)

    fileprivate struct Stand {
        let practice: Practice
        let clock = TestClock()
        let id: ConnectionID
        var vault: Vault

        init() async throws {
            practice = try await Practice()
            id = try ConnectionID("customer 7")
            vault = try practice.open(clock)
            try await practice.register(vault)
        }

        /// A new process.
        mutating func reopen() throws {
            vault.close()
            vault = try practice.open(clock)
        }

        func browser() throws -> Secret { try Secret(text: "a browser's own random text") }

        /// Opens a link in the browser, and consents.
        func consent(_ token: String, user: String = "ada") async throws -> Secret {
            let binding: Secret? = try browser()
            let request = try await vault.open(link: token, browserBinding: binding)
            return try practice.consent(request, user: user)
        }

        @discardableResult
        func complete(_ query: borrowing Secret) async throws -> ConnectionID {
            let binding: Secret? = try browser()
            return try await vault.complete(
                callbackQuery: query, application: practice.application,
                redirectURI: LinkLifeTests.redirectURI, browserBinding: binding)
        }

        func hold(_ query: borrowing Secret) async throws -> FlowID {
            let binding: Secret? = try browser()
            return try await vault.hold(
                callbackQuery: query, application: practice.application,
                redirectURI: LinkLifeTests.redirectURI, browserBinding: binding)
        }

        func flow(_ query: borrowing Secret) async throws -> OpenFlow {
            let binding: Secret? = try browser()
            return try await vault.flow(ofCallback: query, browserBinding: binding)
        }

        /// The error of what is to fail.
        func error(_ body: () async throws -> Void) async -> VaultError? {
            do {
                try await body()
                return nil
            } catch {
                return error as? VaultError
            }
        }
    }

    @Test("A link is looked at as often as one likes, opened once, and outlives a restart")
    func opens() async throws {
        var stand = try await Stand()
        let link = try await stand.vault.link(
            stand.id, application: stand.practice.application, scopes: ["read", "write"],
            redirects: Self.redirects)
        #expect(try stand.vault.status(stand.id)?.light == .yellow)
        try stand.reopen()
        for _ in 0..<3 {
            let target = try #require(try await stand.vault.target(ofLink: link.token))
            #expect(target.connection == stand.id && !target.isReconnect)
            #expect(target.scopes == ["read", "write"] && target.redirects == Self.redirects)
            #expect(target.redirectURI == Self.redirectURI && target.providerName == "practice")
        }
        let query = try await stand.consent(link.token)
        #expect(try await stand.vault.target(ofLink: link.token) == nil)
        #expect(await stand.error { _ = try await stand.consent(link.token) }?.code == .linkExpired)
        try stand.reopen()
        let flow = try await stand.flow(query)
        #expect(flow.flow == link.flow && flow.redirects == Self.redirects)
        try await stand.complete(query)
        #expect(try await stand.practice.accepts(stand.vault.token(stand.id)))
        #expect(try stand.vault.status(stand.id)?.requestedScope == "read write")
        stand.vault.close()
    }

    @Test("Of twenty who open a link at once, one does")
    func onlyOnce() async throws {
        let stand = try await Stand()
        let link = try await stand.vault.link(stand.id, application: stand.practice.application)
        let vault = stand.vault
        let opened = await withTaskGroup(of: VaultError.Code?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(VaultError) {
                        _ = try await vault.open(link: link.token, browserBinding: nil)
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(opened.count { $0 == nil } == 1 && opened.count { $0 == .linkExpired } == 19)
        stand.vault.close()
    }

    @Test("A link expires, and one of a connection that was disconnected opens nothing")
    func expires() async throws {
        let stand = try await Stand()
        let application = stand.practice.application
        let old = try await stand.vault.link(stand.id, application: application)
        stand.clock.advance(by: .seconds(599))
        #expect(try await stand.vault.target(ofLink: old.token) != nil)
        stand.clock.advance(by: .seconds(2))
        #expect(try await stand.vault.target(ofLink: old.token) == nil)
        #expect(await stand.error { _ = try await stand.consent(old.token) }?.code == .linkExpired)
        let gone = try await stand.vault.link(stand.id, application: application)
        try await stand.vault.disconnect(stand.id)
        #expect(await stand.error { _ = try await stand.consent(gone.token) }?.code == .linkExpired)
        #expect(try stand.vault.status(stand.id) == nil)
        for token in ["", "x", String(repeating: "a", count: 43), String(gone.token.dropLast())] {
            #expect(try await stand.vault.target(ofLink: token) == nil)
        }
        stand.vault.close()
    }

    @Test("Connecting again needs neither redirects nor scopes again, and leaves the tokens be")
    func reconnects() async throws {
        let stand = try await Stand()
        let application = stand.practice.application
        let first = try await stand.vault.link(
            stand.id, application: application, scopes: ["write"], redirects: Self.redirects)
        try await stand.complete(stand.consent(first.token))
        let token = try await stand.vault.token(stand.id)
        let again = try await stand.vault.link(stand.id, application: application)
        #expect(try await stand.vault.token(stand.id) == token)
        let target = try #require(try await stand.vault.target(ofLink: again.token))
        #expect(target.isReconnect && target.scopes == ["write"])
        #expect(target.redirects == Self.redirects)
        try await stand.complete(stand.consent(again.token))
        #expect(try await stand.vault.token(stand.id) != token)
        // None at all stands for the application's.
        let cleared = try await stand.vault.link(stand.id, application: application, scopes: [])
        #expect(try await stand.vault.target(ofLink: cleared.token)?.scopes == ["read"])
        stand.vault.close()
    }

    @Test("A callback at another URL than the application's own ends nothing")
    func otherURL() async throws {
        let stand = try await Stand()
        let link = try await stand.vault.link(stand.id, application: stand.practice.application)
        let query = try await stand.consent(link.token)
        for other in [
            "https://platform.example/callback", Self.redirectURI + "/",
            "https://PLATFORM.example/callback/practice", "",
        ] {
            let error = await stand.error {
                let binding: Secret? = try stand.browser()
                try await stand.vault.complete(
                    callbackQuery: query, redirectURI: other, browserBinding: binding)
            }
            #expect(error?.code == .callbackRejected && error?.detail.cause == .otherRedirectURI)
        }
        try await stand.complete(query)
        stand.vault.close()
    }

    @Test("C5: a code is exchanged only once the platform has confirmed who brought it")
    func confirms() async throws {
        var stand = try await Stand()
        let link = try await stand.vault.link(
            stand.id, application: stand.practice.application, awaitsConfirmation: true)
        let query = try await stand.consent(link.token)
        #expect(try await stand.flow(query).awaitsConfirmation)
        let early = await stand.error { try await stand.complete(query) }
        #expect(early?.code == .callbackRejected && early?.detail.cause == .unconfirmed)
        #expect(await stand.confirmError(link.flow) == .flowExpired)
        #expect(try await stand.hold(query) == link.flow)
        // The same callback a second time.
        let twice = await stand.error { _ = try await stand.hold(query) }
        #expect(twice?.detail.cause == .unknownState)
        #expect(stand.practice.provider.counters.codeExchanges == 0)
        try stand.reopen()
        stand.clock.advance(by: .seconds(59))
        #expect(try await stand.vault.confirm(link.flow) == stand.id)
        #expect(try await stand.practice.accepts(stand.vault.token(stand.id)))
        #expect(stand.practice.provider.counters.codeExchanges == 1)
        #expect(await stand.confirmError(link.flow) == .flowExpired)
        stand.vault.close()
    }

    @Test(
        "C5: a code that nobody confirms is dropped after 60 seconds, and the connection says so",
        .timeLimit(.minutes(1)))
    func drops() async throws {
        let stand = try await Stand()
        for isRefused in [true, false] {
            let link = try await stand.vault.link(
                stand.id, application: stand.practice.application, awaitsConfirmation: true)
            let query = try await stand.consent(link.token)
            _ = try await stand.hold(query)
            if isRefused {
                try await stand.vault.drop(link.flow)
            } else {
                stand.clock.advance(by: .seconds(61))
                while try stand.cause() != .notConfirmed {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            #expect(await stand.confirmError(link.flow) == .flowExpired)
            #expect(try stand.cause() == (isRefused ? .otherUser : .notConfirmed))
            #expect(try stand.vault.status(stand.id)?.reason == .connectFailed)
        }
        #expect(stand.practice.provider.counters.codeExchanges == 0)
        stand.vault.close()
    }

    @Test(
        "C5: a code that an earlier process held is dropped by the next one, which says so",
        .timeLimit(.minutes(1)))
    func dropsAfterRestart() async throws {
        var stand = try await Stand()
        let link = try await stand.vault.link(
            stand.id, application: stand.practice.application, awaitsConfirmation: true)
        _ = try await stand.hold(stand.consent(link.token))
        try stand.reopen()
        let vault = stand.vault
        let running = Task { try await vault.run() }
        while vault.refresher.heldFlows.withLock({ !$0.isEmpty }) {
            try await Task.sleep(for: .milliseconds(10))
        }
        stand.clock.advance(by: .seconds(61))
        while try stand.cause() != .notConfirmed {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(await stand.confirmError(link.flow) == .flowExpired)
        running.cancel()
        _ = await running.result
        stand.vault.close()
    }

    @Test("Of a held code whose connection was disconnected nothing is said any more")
    func dropsNothingOfThoseGone() async throws {
        let stand = try await Stand()
        let application = stand.practice.application
        let link = try await stand.vault.link(
            stand.id, application: application, awaitsConfirmation: true)
        _ = try await stand.hold(stand.consent(link.token))
        try await stand.vault.disconnect(stand.id)
        let other = try await stand.vault.link(stand.id, application: application)
        try await stand.complete(stand.consent(other.token))
        stand.clock.advance(by: .seconds(61))
        // Its timer has run when the one that is set after it has.
        #expect(await stand.vault.refresher.pause(milliseconds: 0))
        try await Task.sleep(for: .milliseconds(200))
        let log = try await stand.vault.log(stand.id, limit: 20).map(\.kind)
        #expect(!log.contains(.connectFailed) && log.last == .connected)
        #expect(try stand.vault.status(stand.id)?.reason == nil)
        stand.vault.close()
    }

    @Test("C3: another server's callback is not held, and ends the flow")
    func otherIssuer() async throws {
        let stand = try await Stand()
        let link = try await stand.vault.link(
            stand.id, application: stand.practice.application, awaitsConfirmation: true)
        let query = try await stand.consent(link.token).exposed
        #expect(query.contains("iss=http"))
        let other = try Secret(text: query.replacing("iss=http", with: "iss=https"))
        #expect(await stand.error { _ = try await stand.hold(other) }?.code == .issuerMismatch)
        #expect(try stand.cause() == .issuerOther)
        #expect(await stand.confirmError(link.flow) == .flowExpired)
        stand.vault.close()
    }

    @Test("Scopes of a link for another application are asked for there, and not kept")
    func movedConnection() async throws {
        let stand = try await Stand()
        let application = stand.practice.application
        let first = try await stand.vault.link(
            stand.id, application: application, scopes: ["write"])
        try await stand.complete(stand.consent(first.token))
        let other = try ApplicationID("other")
        var moved = try stand.vault.copy(of: application, as: other)
        moved.redirectURI = "https://platform.example/callback/other"
        try await stand.vault.put(moved)
        #expect(try await stand.target(other)?.scopes == ["read"])
        #expect(
            try await stand.target(other, ["read", "write"])?.scopes == ["read", "write"])
        #expect(try await stand.target(application)?.scopes == ["write"])
        stand.vault.close()
    }

    @Test("A refusal of the provider's needs no confirmation")
    func denied() async throws {
        let stand = try await Stand()
        let link = try await stand.vault.link(
            stand.id, application: stand.practice.application, awaitsConfirmation: true)
        let binding: Secret? = try stand.browser()
        let request = try await stand.vault.open(link: link.token, browserBinding: binding)
        let query = try Secret(text: "error=access_denied&state=\(request.state)")
        #expect(await stand.error { _ = try await stand.hold(query) }?.code == .flowDenied)
        stand.vault.close()
    }
}

extension LinkLifeTests.Stand {
    /// What a link that is made for it is for.
    fileprivate func target(
        _ application: ApplicationID, _ scopes: [String]? = nil
    ) async throws -> LinkTarget? {
        let link = try await vault.link(id, application: application, scopes: scopes)
        return try await vault.target(ofLink: link.token)
    }

    /// What is said to whoever confirms a flow that cannot be.
    fileprivate func confirmError(_ flow: FlowID) async -> VaultError.Code? {
        await error { try await vault.confirm(flow) }?.code
    }

    /// Why the last flow brought nothing.
    fileprivate func cause() throws -> FailureCause? {
        try vault.status(id)?.reasonDetail.cause
    }
}

extension Vault {
    /// The same registration by another name.
    fileprivate func copy(
        of application: ApplicationID, as other: ApplicationID
    ) throws -> Application {
        let stored = try store.application(application)
        return Application(
            id: other, provider: stored.provider, clientID: stored.clientID,
            clientSecret: try Secret(text: "another secret"), scopes: stored.scopes)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

@testable import CallbackFront

/// Where a flow may go when it ends.
@Suite struct RedirectTests {
    private static let success = "https://app.example.com/connected"
    private static let failure = "https://app.example.com/failed"

    private static func allow(_ configuration: inout CallbackFront.Configuration) {
        configuration.successRedirects = [success]
        configuration.failureRedirects = [failure]
    }

    private static let parameters = RedirectParameters(
        instanceId: "i-1", instanceName: "Müller & Söhne = 100%", integrationId: "int/2",
        integrationName: "a b+c", requiredConfigVariableId: "#3",
        requiredConfigVariableKey: "\r\nX",
        id: "?code=1")

    private static let query =
        "?instanceId=i-1&instanceName=M%C3%BCller%20%26%20S%C3%B6hne%20%3D%20100%25"
        + "&integrationId=int%2F2&integrationName=a%20b%2Bc&requiredConfigVariableId=%233"
        + "&requiredConfigVariableKey=%0D%0AX&id=%3Fcode%3D1"

    private func link(
        _ site: Site, parameters: RedirectParameters? = parameters, carriesError: Bool = false
    ) async throws -> String {
        try await site.front.link(
            for: ConnectionID("ada"), application: ApplicationID("demo"),
            redirects: Redirects(
                success: Self.success, failure: Self.failure, parameters: parameters,
                failureCarriesError: carriesError)
        ).url
    }

    @Test func carriesExactlySevenParameters() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            let callback = try await site.consent(link(site), in: browser)
            #expect(try await browser.get(callback).location == Self.success + Self.query)
            #expect(try await site.userinfo("ada") == 200)
            #expect(try await browser.get(callback).location == "/failed/callbackRejected")
        }
    }

    @Test func carriesNothingWhereThereAreNone() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            let callback = try await site.consent(link(site, parameters: nil), in: browser)
            #expect(try await browser.get(callback).location == Self.success)
        }
    }

    @Test func aRefusalGoesToTheFailureRedirect() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            let callback = try await site.consent(link(site), in: browser)
            let denied = callback.replacingOccurrences(of: "code=", with: "error=")
            #expect(try await browser.get(denied).location == Self.failure + Self.query)
            #expect(try await browser.get(denied).location == "/failed/callbackRejected")
        }
    }

    /// Who merely knows a state learns nothing of the flow, and does not spoil it.
    @Test func aForeignBrowserSeesOurOwnPage() async throws {
        try await Site.run(Self.allow) { site in
            let (ada, eve) = (try Browser(), try Browser())
            let callback = try await site.consent(link(site), in: ada)
            _ = try await site.open(site.link("eve's"), in: eve)
            #expect(try await eve.get(callback).location == "/failed/callbackRejected")
            #expect(try await Browser().get(callback).location == "/failed/callbackRejected")
            let mixed = callback.replacingOccurrences(of: "/demo", with: "/other")
            #expect(try await ada.get(mixed).location == "/failed/callbackRejected")
            #expect(try await ada.get(callback).location == Self.success + Self.query)
        }
    }

    @Test func twoFlowsGoTheirOwnWays() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            let first = try await site.consent(link(site), in: browser)
            let second = try await site.consent(site.link("two"), in: browser)
            #expect(try await browser.get(second).location == "/completed")
            #expect(try await browser.get(first).location == Self.success + Self.query)
        }
    }

    @Test func aQueryCannotNameARedirect() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let tempting =
                callback + "&success=https://evil.example&redirect_uri=//evil.example"
                + "&next=//evil.example"
            #expect(try await browser.get(tempting).location == "/completed")
        }
    }

    private static let hostile = [
        "//evil.example", "https:evil.example", "\\\\evil.example", "/\\evil.example",
        "https://app.example.com@evil.example/connected",
        "https://app.example.com.evil.example/connected", "https://evil.example/connected",
        "https://app.example.com./connected", "https://app.example.com/connected/",
        "https://app.example.com/connected?", "https://app.example.com/connected#",
        "https://app.example.com/connected%0d%0aSet-Cookie:x", "https://app.example.com/Connected",
        "https://app.example.com/connected\r\nSet-Cookie: x=1",
        "https://app.example.com/connected ",
        " https://app.example.com/connected", "https://app.example.com:443/connected",
        "HTTPS://app.example.com/connected", "http://app.example.com/connected",
        "https://app.example.com/x/../connected", "javascript:alert(1)", "data:text/html,x",
        "https://xn--pp-mia.example.com/connected", "https://аpp.example.com/connected",
        "https://app.example.com/connec\u{200b}ted", "https://app.example.com/connected\u{0}", "",
        // Swift's == takes a Kelvin sign for a K.
        "https://app.example.com/connected\u{212a}", "/connected", "connected",
    ]

    @Test("C9: a redirect that is not on the list, character by character", arguments: hostile)
    func onlyAnExactMatchIsAllowed(_ url: String) async throws {
        try await Site.run({ configuration in
            Self.allow(&configuration)
            configuration.successRedirects.insert("https://app.example.com/connectedK")
        }) { site in
            // What is allowed for one end is not for the other.
            for redirects in [
                Redirects(success: url), Redirects(failure: url), Redirects(failure: Self.success),
            ] {
                await #expect(throws: CallbackFrontError(.redirectNotAllowed)) {
                    try await site.front.link(
                        for: ConnectionID("a"), application: ApplicationID("demo"),
                        redirects: redirects)
                }
            }
        }
    }

    @Test func theAllowListItselfIsChecked() throws {
        var configuration = CallbackFront.Configuration()
        Self.allow(&configuration)
        try configuration.validate()
        for url in ["http://127.0.0.1:3000/done", "http://localhost/done", "https://a.example"] {
            configuration.successRedirects = [url]
            try configuration.validate()
        }
        let good: Set = [
            Self.success, "https://app.example.com/Connected",
            "https://app.example.com:443/connected", "https://evil.example/connected",
            "https://app.example.com/connected/", "https://app.example.com/x/../connected",
            "https://app.example.com/connected%0d%0aSet-Cookie:x",
            "https://app.example.com.evil.example/connected",
            "https://xn--pp-mia.example.com/connected",
        ]
        for url in Self.hostile where !good.contains(url) {
            configuration.successRedirects = [url]
            #expect(throws: CallbackFrontError(.redirectRefused), "\(url)") {
                try configuration.validate()
            }
        }
    }

    @Test func longParametersAreRefused() async throws {
        try await Site.run(Self.allow) { site in
            let parameters = RedirectParameters(
                instanceId: "", instanceName: String(repeating: "ü", count: 129),
                integrationId: "", integrationName: "", requiredConfigVariableId: "",
                requiredConfigVariableKey: "", id: "")
            let refused = await #expect(throws: CallbackFrontError.self) {
                try await link(site, parameters: parameters)
            }
            #expect(refused?.vaultError?.code == .limitExceeded)
        }
    }
}

/// What is not served at all.
@Suite struct ConfigurationTests {
    @Test(arguments: [
        "http://oauth2.example.com", "https://oauth2.example.com/", "https://a.example/path/",
        "https://a.example//path", "https://a.example/./path", "https://a.example/p%61th",
        "https://a.example?x", "https://user@a.example", "ftp://a.example", "a.example", "",
        "//a.example", "https://a.example#", "https://", "HTTPS://a.example",
    ])
    func baseURLs(_ url: String) {
        var configuration = CallbackFront.Configuration()
        configuration.publicBaseURL = url
        #expect(throws: CallbackFrontError(.baseURLRefused)) { try configuration.validate() }
    }

    @Test func whatIsAllowedAndWhatIsNot() throws {
        var configuration = CallbackFront.Configuration()
        try configuration.validate()
        configuration.host = "0.0.0.0"
        #expect(throws: CallbackFrontError(.baseURLRefused)) { try configuration.validate() }
        configuration.publicBaseURL = "https://oauth2.example.com"
        try configuration.validate()
        configuration.allowsPlainHTTPCookies = true
        #expect(throws: CallbackFrontError(.plainCookiesRefused)) { try configuration.validate() }
        configuration.publicBaseURL = "http://localhost:8080"
        try configuration.validate()
        configuration.port = 65_536
        #expect(throws: CallbackFrontError(.portRefused)) { try configuration.validate() }
    }
}

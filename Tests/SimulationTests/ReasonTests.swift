// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What callers, the status and the log say of a refresh that did not work.
@Suite("Reasons") struct ReasonTests {
    func refresh(_ rig: Rig, _ connection: Int = 0) throws -> Errand {
        let errand = try rig.call { try await $0.refresh(Disk.id(connection)) }
        try rig.flush()
        return errand
    }

    @Test(
        "Why no token came is what the caller, the status and the log say",
        arguments: [
            (.status(503), .providerBusy, 503, 503), (.status(429), .providerBusy, 429, 429),
            (.status(500), .providerBusy, 500, 500),
            (.failure(.unreachable(curlCode: 7)), .providerUnreachable, 7, -7),
            (.failure(.untrusted(verifyResult: 10)), .certificateRefused, 10, -60),
            (.failure(.lost(curlCode: 56)), .answerLost, 56, -56),
            (.failure(.refused(.resolvesToPrivate)), .endpointRefused, 0, 0),
        ] as [(Ending, VaultError.Code, Int, Int64)])
    func delayed(
        _ ending: Ending, _ code: VaultError.Code, _ number: Int, _ logged: Int64
    ) throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let heard = try rig.listen()
        let caller = try refresh(rig)
        #expect(try rig.vault.status(Disk.id(0))?.nextRefresh?.milliseconds == rig.clock.now)
        try rig.answer(0, ending.reply)
        try rig.flush()
        #expect(caller.code == code && caller.error?.number == number)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.reason != nil && status.reasonNumber == Int(logged))
        #expect(heard.events.map(\.number) == [logged])
        #expect(heard.events.map(\.kind) == [status.reason])
    }

    @Test(
        "The provider's error is told with the status, and outlives the process",
        arguments: [
            (400, .invalidScope, .providerRefused), (400, .invalidRequest, .providerRefused),
            (400, .unauthorizedClient, .providerRefused), (403, .other, .providerRefused),
            (401, .invalidClient, .applicationMisconfigured), (404, nil, .providerRefused),
            (302, nil, .providerRefused), (200, .other, .providerRefused),
        ] as [(Int, OAuthError?, VaultError.Code)])
    func refused(_ status: Int, _ error: OAuthError?, _ code: VaultError.Code) throws {
        let disk = try Disk.populated(1, expiringIn: 3_600_000)
        let kind: VaultEvent.Kind =
            code == .providerRefused ? .refreshRefused : .applicationRejected
        do {
            let rig = try Rig(disk)
            let heard = try rig.listen()
            let caller = try refresh(rig)
            let name = error == .other ? "bad_refresh_token" : error?.name
            try rig.answer(0, Rig.reply(status, name.map { "{\"error\":\"\($0)\"}" } ?? ""))
            try rig.flush()
            #expect(caller.code == code && caller.error?.number == status)
            #expect(caller.error?.detail.error == error)
            #expect(heard.events.first?.kind == kind)
            #expect(heard.events.allSatisfy { $0.number == status && $0.detail.error == error })
            rig.close()
        }
        let rig = try Rig(disk)
        let shown = try #require(try rig.vault.status(Disk.id(0)))
        #expect(shown.reason == kind && shown.reasonNumber == status)
        #expect(shown.reasonDetail.error == error)
        let entries = Monitor<[VaultEvent]>([])
        _ = try rig.call { vault in
            let found = try await vault.log(Disk.id(0))
            entries.withLock { $0 = found }
        }
        try rig.flush()
        let logged = try #require(entries.withLock { $0.last })
        #expect(logged.kind == kind && logged.number == status && logged.detail.error == error)
    }

    @Test(
        "What no other grant mends is the application's, before its token expires and after",
        arguments: [
            (.invalidScope, true), (.unsupportedGrantType, true), (.invalidRequest, false),
            (.other, false),
        ] as [(OAuthError, Bool)])
    func refusedForGood(_ error: OAuthError, isOfApplication: Bool) throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        func status() throws -> ConnectionStatus {
            try #require(try rig.vault.status(Disk.id(0)))
        }
        _ = try refresh(rig)
        let name = error == .other ? "bad_refresh_token" : error.name
        try rig.answer(0, Rig.refusal(400, name))
        try rig.flush()
        #expect(try status().nextStep == .correctApplication)
        try rig.advance(milliseconds: 3_600_000)
        #expect(try status().light == .red)
        #expect(try status().nextStep == (isOfApplication ? .correctApplication : .reconnect))
        let caller = try refresh(rig)
        if !caller.isDone {
            try rig.answer(0, Rig.refusal(400, name))
            try rig.flush()
        }
        #expect(caller.code == .notRefreshable && caller.error?.detail.error == error)
    }

    @Test(
        "What the way to the provider is to blame for says nothing of the application",
        arguments: [407, 413, 431, 496])
    func onTheWay(_ status: Int) throws {
        let rig = try Rig(.populated(3, expiringIn: 3_600_000))
        for connection in 0..<2 {
            let caller = try refresh(rig, connection)
            try rig.answer(connection, TransportReply(status: status, body: nil))
            try rig.flush()
            #expect(caller.code == .providerRefused && caller.error?.number == status)
        }
        let shown = try #require(try rig.vault.status(Disk.id(0)))
        #expect(shown.reason == .refreshRefused && shown.nextStep == .correctApplication)
        let third = try refresh(rig, 2)
        try rig.answerWithTokens(2)
        try rig.flush()
        #expect(third.isDone && third.code == nil)
        try rig.advance(milliseconds: 3_600_000)
        #expect(try rig.vault.status(Disk.id(0))?.nextStep == .correctApplication)
    }

    @Test("When the provider asked for a pause its end is told")
    func namesThePause() throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let caller = try refresh(rig)
        try rig.answer(0, TransportReply(status: 429, body: nil, retryAfterSeconds: 120))
        try rig.flush()
        #expect(caller.code == .providerBusy)
        #expect(caller.error?.retryTime?.milliseconds == rig.clock.now + 120_000)
    }

    @Test("An endpoint that is not allowed is told and written down, though nothing is sent")
    func notAllowed() throws {
        let disk = try Disk.populated(1, expiringIn: 3_600_000)
        try disk.changeProvider { $0.tokenEndpoint = "http://provider.example/token" }
        do {
            let rig = try Rig(disk)
            let heard = try rig.listen()
            let caller = try refresh(rig)
            #expect(caller.code == .endpointRefused)
            #expect(caller.error?.detail.cause == .notHTTPS)
            #expect(caller.error?.detail.subject == .tokenEndpoint)
            #expect(heard.events.map(\.kind) == [.refreshRefused])
            #expect(heard.events.first?.detail.cause == .notHTTPS)
            #expect(rig.network.all.isEmpty)
            rig.close()
        }
        let rig = try Rig(disk)
        let shown = try #require(try rig.vault.status(Disk.id(0)))
        #expect(shown.reason == .refreshRefused && shown.nextStep == .correctApplication)
        #expect(shown.reasonDetail.cause == .notHTTPS)
        #expect(shown.reasonDetail.subject == .tokenEndpoint)
    }

    @Test(
        "What is wrong with an answer that lies unread is told",
        arguments: [
            (#""access_token":"a","access_token":"a""#, .memberTwice),
            (#""access_token":7"#, .tokenNotText), (#""access_token":"a\u00e4""#, .tokenNotText),
            (#""access_token":"""#, .noAccessToken),
        ] as [(String, FailureCause)])
    func unreadFault(_ members: String, _ cause: FailureCause) throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let caller = try refresh(rig)
        let token = TokenText(.refresh, 0, 2).text
        try rig.answer(
            0, Rig.reply(200, #"{\#(members),"refresh_token":"\#(token)","token_type":"Bearer"}"#))
        try rig.flush()
        #expect(caller.code == .providerAnswerUnreadable && caller.error?.detail.cause == cause)
        let shown = try #require(try rig.vault.status(Disk.id(0)))
        #expect(shown.reason == .replyUnread && shown.reasonDetail.cause == cause)
        #expect(shown.reasonNumber > 0)
    }

    @Test("A token type that nobody here takes is why an answer lies unread")
    func tokenType() throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let caller = try refresh(rig)
        try rig.answer(
            0, Rig.reply(200, #"{"access_token":"a","refresh_token":"r","token_type":"mac"}"#))
        try rig.flush()
        #expect(caller.code == .providerAnswerUnreadable)
        #expect(caller.error?.detail.cause == .tokenTypeNotTaken)
        let shown = try #require(try rig.vault.status(Disk.id(0)))
        #expect(shown.reason == .replyUnread && shown.reasonNumber < 100)
        #expect(shown.reasonDetail.cause == .tokenTypeNotTaken)
        let again = try refresh(rig)
        #expect(again.error?.detail.cause == .tokenTypeNotTaken)
    }

    enum Ending: Sendable, CustomTestStringConvertible {
        case status(Int)
        case failure(TransportReply.Failure)

        var reply: TransportReply {
            switch self {
            case .status(let status): TransportReply(status: status, body: nil)
            case .failure(let failure): TransportReply(failure: failure)
            }
        }

        var testDescription: String {
            switch self {
            case .status(let status): "\(status)"
            case .failure(let failure): "\(failure)"
            }
        }
    }

    @Test("Another kind of trouble is told, the same again is not")
    func changesAreTold() throws {
        let rig = try Rig.started(.populated(2, expiringIn: 24 * 3_600_000))
        let heard = try rig.listen()
        let endings: [TransportReply.Failure?] = [
            nil, nil, .lost(curlCode: 56), .lost(curlCode: 52), .unreachable(curlCode: 7), nil,
        ]
        _ = try refresh(rig)
        for failure in endings {
            let busy = TransportReply(status: 503, body: nil)
            if let failure {
                try rig.answer(0, TransportReply(failure: failure))
            } else {
                try rig.answer(0, busy)
            }
            try rig.flush()
            // Another connection shows that the provider is not down.
            let other = try refresh(rig, 1)
            if rig.network.last(1) != nil { try rig.answerWithTokens(1) }
            try rig.flush()
            #expect(other.isDone)
            _ = try rig.untilNext(0)
        }
        #expect(heard.numbers(.refreshDelayed) == [503, -56, 503])
        try rig.answer(0, Rig.refusal(400, "something_else"))
        try rig.flush()
        #expect(heard.numbers(.refreshRefused) == [400])
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.reason == .refreshRefused && status.reasonNumber == 400)
    }

    @Test("A provider's grace begins anew, and another kind of trouble is told all the same")
    func changesWithinAGraceAreTold() throws {
        let disk = try Disk.populated(1, expiringIn: 24 * 3_600_000)
        try disk.changeProvider { $0.reuseGraceSeconds = 600 }
        let rig = try Rig.started(disk)
        let heard = try rig.listen()
        _ = try refresh(rig)
        for failure in [nil, TransportReply.Failure.lost(curlCode: 56), nil] {
            if let failure {
                try rig.answer(0, TransportReply(failure: failure))
            } else {
                try rig.answer(0, TransportReply(status: 503, body: nil))
            }
            try rig.flush()
            _ = try rig.untilNext(0)
        }
        #expect(heard.numbers(.refreshDelayed) == [503, -56, 503])
    }

    @Test("The pause that a provider asks for outlives the process, and an hour at the most")
    func pausesOutliveTheProcess() throws {
        for (asked, slept, isAlone) in [
            (600, 300, true), (600, 601, false), (86_400, 3500, true), (86_400, 3601, false),
        ] as [(Int64, Int64, Bool)] {
            let disk = try Disk.populated(2, expiringIn: 24 * 3_600_000)
            do {
                let rig = try Rig(disk)
                let first = try refresh(rig)
                try rig.answer(
                    0, TransportReply(status: 429, body: nil, retryAfterSeconds: asked))
                try rig.flush()
                // What is said is what is done.
                #expect(first.error?.retryTime == (try rig.vault.status(Disk.id(0))?.retryTime))
            }
            let rig = try Rig(disk, moment: VirtualClock.start + slept * 1000)
            for connection in 0..<2 {
                let caller = try refresh(rig, connection)
                #expect(caller.code == (isAlone ? .backingOff : nil))
                if isAlone { #expect(caller.error?.number ?? 0 > 0) }
                if !isAlone, rig.network.last(connection) != nil {
                    try rig.answerWithTokens(connection)
                    try rig.flush()
                }
            }
        }
    }

    @Test("A pause that was written by a clock that ran ahead is none")
    func pausesOfAnotherClock() throws {
        let disk = try Disk.populated(1, expiringIn: 24 * 3_600_000)
        do {
            let rig = try Rig(disk, offset: 1_800_000)
            _ = try refresh(rig)
            try rig.answer(0, TransportReply(status: 429, body: nil, retryAfterSeconds: 60))
            try rig.flush()
        }
        let rig = try Rig(disk, moment: VirtualClock.start + 1000)
        _ = try refresh(rig)
        #expect(rig.network.open.map(\.connection) == [0])
    }

    @Test("A pause is over where the provider has served somebody since")
    func pausesEnd() throws {
        let disk = try Disk.populated(2, expiringIn: 24 * 3_600_000)
        do {
            let rig = try Rig(disk)
            _ = try refresh(rig)
            try rig.answer(0, TransportReply(status: 503, body: nil, retryAfterSeconds: 2))
            try rig.flush()
            try rig.advance(milliseconds: 4000)
            _ = try refresh(rig, 1)
            try rig.answerWithTokens(1)
            try rig.flush()
        }
        let rig = try Rig(disk, moment: VirtualClock.start + 1000)
        _ = try refresh(rig)
        #expect(rig.network.open.map(\.connection) == [0])
    }

    @Test("While a provider is left alone callers are told so, and for how long")
    func leftAlone() throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let first = try refresh(rig)
        try rig.answer(0, TransportReply(status: 503, body: nil, retryAfterSeconds: 90))
        try rig.flush()
        #expect(first.code == .providerBusy)
        let second = try refresh(rig)
        #expect(second.code == .backingOff)
        #expect((85...100).contains(second.error?.number ?? 0))
    }

    /// Connects number 0 again, with such a callback.
    func connect(
        _ parameters: String, _ change: (inout Provider) -> Void = { _ in }
    ) throws -> VaultError? {
        let disk = try Disk.populated(1, expiringIn: 3_600_000)
        try disk.changeProvider(change)
        let rig = try Rig(disk)
        let errand = try rig.call { vault in
            let request = try await vault.connect(Disk.id(0), application: ApplicationID("app"))
            let query = try Secret(text: "\(parameters)&state=\(request.state)")
            try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        if let code = rig.network.open.first { code.request.answer(try Rig.tokens(0, 50)) }
        try rig.flush()
        try #require(errand.isDone)
        return errand.error
    }

    @Test(
        "The error of a callback is named, and only a no is a no",
        arguments: [
            ("access_denied", .flowDenied, "access_denied"),
            ("invalid_request", .authorizationRefused, "invalid_request"),
            ("unauthorized_client", .authorizationRefused, "unauthorized_client"),
            ("login_required", .authorizationRefused, "login_required"),
            ("temporarily_unavailable", .authorizationRefused, "temporarily_unavailable"),
            ("nonce%20required", .authorizationRefused, nil), ("0", .authorizationRefused, nil),
        ] as [(String, VaultError.Code, String?)])
    func callbackErrors(_ sent: String, _ code: VaultError.Code, _ named: String?) throws {
        let error = try connect("error=\(sent)&error_description=x")
        #expect(error?.code == code && error?.oauthError == named)
        #expect(error?.connection == (try Disk.id(0)))
    }

    @Test(
        "The log of a flow that failed says whose number it is",
        arguments: [
            ("code=k0.0", .status(503), 503), ("code=k0.0", .failure(.lost(curlCode: 56)), -56),
            ("code=k0.0", .failure(.untrusted(verifyResult: 10)), -60),
            ("error=login_required", nil, 0),
        ] as [(String, Ending?, Int64)])
    func failedFlows(_ callback: String, _ ending: Ending?, _ logged: Int64) throws {
        let rig = try Rig(.populated(1, expiringIn: 3_600_000))
        let heard = try rig.listen()
        let errand = try rig.call { vault in
            let request = try await vault.connect(Disk.id(0), application: ApplicationID("app"))
            let query = try Secret(text: "\(callback)&state=\(request.state)")
            try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        if let ending { try #require(rig.network.open.first).request.answer(ending.reply) }
        try rig.flush()
        #expect(errand.isDone && heard.numbers(.connectFailed) == [logged])
        // Also of a connection that has tokens, whose light it does not change.
        #expect(rig.disk.count(.connectFailed) == 1)
    }

    @Test("iss: another one is never taken; none only where the provider is not known to send it")
    func issuers() throws {
        let right = "code=k0.0&iss=https%3A%2F%2Fas.example"
        let wrong = "code=k0.0&iss=https%3A%2F%2Fas.example%2F"
        for sends in [false, true] {
            func connect(_ parameters: String) throws -> VaultError.Code? {
                try self.connect(parameters) {
                    $0.issuer = "https://as.example"
                    $0.sendsIssuer = sends
                }?.code
            }
            #expect(try connect(right) == nil)
            #expect(try connect(wrong) == .issuerMismatch)
            #expect(try connect("code=k0.0") == (sends ? .issuerMismatch : nil))
            #expect(try connect("error=access_denied") == .flowDenied)
            #expect(try connect("error=access_denied&iss=x") == .issuerMismatch)
        }
    }

    @Test("Whose application is removed says so, and is well again when it is back")
    func removedApplication() throws {
        let rig = try Rig.started(.populated(1, expiringIn: 3_600_000))
        func status() throws -> ConnectionStatus {
            try #require(try rig.vault.status(Disk.id(0)))
        }
        let before = try status()
        let application = try rig.vault.store.application(ApplicationID("app"))
        let provider = application.provider
        let removal = try rig.call { try await $0.removeApplication(ApplicationID("app")) }
        try rig.flush()
        #expect(removal.isDone && removal.code == nil)
        #expect(try status().reason == .applicationRemoved)
        #expect(try status().nextStep == .correctApplication)
        #expect(try status().light == before.light)
        try rig.advance(milliseconds: 2 * 3_600_000)
        #expect(try status().light == .red)
        let put = try rig.call { vault in
            try await vault.put(
                Application(
                    id: ApplicationID("app"), provider: provider, clientID: "client",
                    clientSecret: Secret(text: "s0.1"),
                    redirectURI: "https://platform.example/callback"))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        #expect(try status().reason != .applicationRemoved)
    }
}

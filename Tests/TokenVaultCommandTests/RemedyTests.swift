// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TokenVault

@testable import TokenVaultCommand

/// What people are told of a failure: what it was, and what to do next.
struct RemedyTests {
    private func error(
        _ code: VaultError.Code, _ stage: VaultError.Stage, _ number: Int,
        _ detail: FailureDetail = FailureDetail()
    ) -> VaultError {
        VaultError(code, stage, number: number, detail: detail)
    }

    @Test("Each error of the provider's has a next step of its own, at a refresh and at a connect")
    func errorsOfTheProvider() {
        let errors: [OAuthError?] = [
            .invalidRequest, .invalidScope, .unauthorizedClient, .unsupportedGrantType, .other, nil,
        ]
        for stage in [VaultError.Stage.upkeep, .vault] {
            let texts = errors.map { name in
                error(.providerRefused, stage, 400, FailureDetail(error: name)).failure.message
            }
            #expect(Set(texts).count == texts.count)
            #expect(texts[1].contains("scopes") && texts[1].hasSuffix("HTTP 400, invalid_scope)"))
            #expect(texts[4].hasSuffix("HTTP 400, an error of the provider's own)"))
        }
        for status in [302, 404] {
            let text = error(.providerRefused, .upkeep, status).failure.message
            #expect(text.contains("correct token_endpoint") && text.contains("HTTP \(status)"))
        }
        let unnamed = error(.providerRefused, .upkeep, 400).failure.message
        #expect(unnamed.contains("grant_lost_answers (status: 400, error: none)"))
    }

    @Test("Each way of client authentication is among those that may be wrong")
    func waysOfAuthentication() {
        let text = error(.applicationMisconfigured, .upkeep, 401).failure.message
        #expect(text.contains("(client_authentication: basic, basic_raw, "), "\(text)")
        #expect(text.contains("bearer or private_key_jwt)"), "\(text)")
    }

    @Test("An id that another application's connection has is told from one that is taken")
    func takenID() throws {
        let second = VaultError(
            .alreadyExists, .vault, connection: try ConnectionID("anna.user"))
        #expect(second.failure.message.contains("second_connection"))
        #expect(error(.alreadyExists, .store, 0).failure.message.contains("another id"))
    }

    @Test("The exit status follows the cause")
    func statuses() {
        func status(
            _ code: VaultError.Code, _ number: Int = 0, _ detail: FailureDetail = FailureDetail()
        ) -> Int32 { error(code, .vault, number, detail).failure.status.rawValue }
        let trouble = Int(OAuthError.temporarilyUnavailable.rawValue)
        #expect(status(.authorizationRefused, trouble) == 69)
        let login = Int(OAuthError.loginRequired.rawValue)
        #expect(status(.authorizationRefused, login) == 78)
        #expect(status(.providerRefused, 400, FailureDetail(error: .invalidGrant)) == 79)
        #expect(status(.notRefreshable, 3600, FailureDetail(cause: .minimumTooLong)) == 64)
        #expect(status(.notRefreshable, 0, FailureDetail(cause: .noRefreshToken)) == 79)
        func expired(_ error: OAuthError?, _ number: Int = 400) -> Int32 {
            status(.notRefreshable, number, FailureDetail(error: error, cause: .refreshRefused))
        }
        #expect(expired(.invalidScope) == 78 && expired(.unsupportedGrantType) == 78)
        #expect(expired(nil, 404) == 78 && expired(nil) == 79 && expired(.invalidRequest) == 79)
        #expect(status(.vaultIncomplete, 2, FailureDetail(subject: .slotsFile)) == 65)
        for subject in [FailureSubject.scope, .connectionID, .redirectURI] {
            for code in [VaultError.Code.invalidArgument, .limitExceeded] {
                #expect(status(code, 9, FailureDetail(cause: .tooLong, subject: subject)) == 64)
            }
        }
    }

    @Test("Errors with which the user is sent back have next steps of their own")
    func authorizationErrors() {
        let texts = OAuthError.allCases.compactMap { name in
            error(.authorizationRefused, .authorize, Int(name.rawValue)).knownCause?.text
        }
        #expect(texts.count >= 9)
        let prompt = error(
            .authorizationRefused, .authorize, Int(OAuthError.loginRequired.rawValue))
        #expect(prompt.failure.message.contains("prompt=none"))
    }

    @Test("The very file is named, its mode in octal, and the remedy")
    func files() {
        func text(_ cause: FailureCause, _ subject: FailureSubject, _ number: Int) -> String {
            error(.unsafeDirectory, .store, number, FailureDetail(cause: cause, subject: subject))
                .failure.message
        }
        #expect(
            text(.openToOthers, .databaseFile, 0o644).hasPrefix(
                "the vault's db/data.mdb has mode 0644, and others could read or change it: chmod "
                    + "600 it"))
        #expect(text(.openToOthers, .directory, 0o755).contains("chmod 700 it"))
        #expect(text(.otherOwner, .slotsFile, 65_534).contains("SLOTS belongs to user 65534"))
        #expect(text(.symbolicLink, .directory, 0o777).contains("is a symbolic link"))
        let lock = error(
            .vaultIncomplete, .store, 2, FailureDetail(cause: .missing, subject: .lockFile))
        #expect(lock.failure.message.contains("LOCK is missing beside the vault's other files"))
    }

    @Test("What the system does not allow is told from a full disk and from a vault that is none")
    func limitsOfTheSystem() {
        func text(
            _ code: VaultError.Code, _ number: Int32, _ detail: FailureDetail = FailureDetail()
        ) -> String { error(code, .store, Int(number), detail).failure.message }
        #expect(text(.outOfMemory, EMFILE).contains("ulimit -n"))
        #expect(text(.outOfMemory, ENOMEM).contains("no memory"))
        #expect(text(.storeFull, EFBIG).contains("ulimit -f"))
        #expect(text(.storeFull, ENOSPC).contains("the disk is full"))
        let directory = FailureDetail(subject: .directory)
        #expect(text(.storageFailed, EACCES, directory).contains("this user may enter it"))
        #expect(text(.storageFailed, EIO).contains("check the disk"))
        #expect(error(.answerLost, .upkeep, 56).failure.message.contains("client certificate"))
        #expect(error(.answerLost, .vault, 56).failure.message.contains("client certificate"))
        #expect(!error(.answerLost, .upkeep, 52).failure.message.contains("client certificate"))
        let code = FailureDetail(cause: .tooLong, subject: .code)
        #expect(error(.limitExceeded, .exchange, 4096, code).failure.message.contains("code is lo"))
        let twice = FailureDetail(cause: .memberTwice)
        let kept = error(.providerAnswerUnreadable, .upkeep, 0, twice).failure.message
        #expect(kept.contains("a member is there twice") && kept.contains("retry ID"))
        let endless = error(
            .providerAnswerUnreadable, .upkeep, 0, FailureDetail(cause: .tooLong)
        ).failure.message
        #expect(endless.contains("256 KiB") && !endless.contains("retry ID"))
        let slots = error(.integrityFailed, .seal, 40, FailureDetail(subject: .slotsFile))
        #expect(slots.failure.message.contains("SLOTS"))
        let rejected = error(
            .applicationMisconfigured, .upkeep, 0, FailureDetail(cause: .rejectedBefore))
        #expect(rejected.failure.message.contains("`tokenvault log --app APP`"))
    }

    @Test("An endpoint is named with the rule that it breaks")
    func endpoints() {
        let rules: [FailureCause] = [
            .malformedURL, .notHTTPS, .loopbackAddress, .privateAddress, .unusableAddress,
            .resolvesToPrivate, .resolvesToUnusable, .userInformation, .fragment,
            .linkLocalAddress, .metadataAddress, .multicastAddress, .translatedAddress,
            .resolvesToLinkLocal, .resolvesToMetadata, .resolvesToMulticast, .resolvesToTranslated,
            .privateName, .refusedPort, .resolvesToLoopback,
        ]
        let texts = rules.map { cause in
            error(
                .endpointRefused, .exchange, 0,
                FailureDetail(cause: cause, subject: .tokenEndpoint)
            ).failure.message
        }
        #expect(Set(texts).count == rules.count)
        #expect(texts.allSatisfy { $0.hasPrefix("token_endpoint ") })
    }

    @Test("A pause is told with its end")
    func pauses() {
        let end = SystemTime().now().adding(milliseconds: 120_000)
        let busy = VaultError(.providerBusy, .upkeep, number: 429, retryTime: end)
        #expect(busy.failure.message.contains("not before \(end.timeOfDay)"))
        #expect(busy.failure.message.contains("asked too often"))
        let open = VaultError(.backingOff, .upkeep, number: 121)
        #expect(open.failure.message.contains("not before "))
    }

    @Test("What an event's number and detail say")
    func events() {
        func text(_ event: String, _ number: Int64, _ detail: FailureDetail) -> String? {
            EventNumber.text(event, number, detail)
        }
        #expect(
            text("refreshRefused", 400, FailureDetail(error: .invalidScope))
                == "HTTP 400, invalid_scope")
        #expect(text("connectFailed", 0, FailureDetail(error: .loginRequired)) == "login_required")
        #expect(
            text("connectFailed", 0, FailureDetail(cause: .privateAddress, subject: .tokenEndpoint))
                == "token_endpoint: a private address")
        #expect(
            text("refreshDelayed", -60, FailureDetail(verifyResult: 10))
                == "curl 60: its certificate is not trusted; OpenSSL 10: expired")
        #expect(text("connected", 0, FailureDetail()) == nil)
    }

    @Test("What the vault does by itself follows what somebody may do")
    func nextSteps() throws {
        func text(_ served: Bool, _ number: Int) throws -> String? {
            let status = """
                {"id": "anna", "light": "yellow", "reason": "refreshDelayed",
                "reason_number": \(number), "next_step": "wait", "expiry_source": "expires_in",
                "refresh_count": 0, "generation": 1, "memory": "locked", "served": \(served)}
                """
            return NextStep.text(
                try JSONDecoder().decode(StatusForm.self, from: Data(status.utf8)))
        }
        let served = try text(true, -7)
        #expect(served?.hasSuffix("or try later; the vault tries again by itself") == true)
        #expect(try text(false, -7)?.contains("try later; then run `tokenvault refresh`") == true)
        #expect(try text(true, -63)?.contains("256 KiB") == true)
        #expect(try text(true, 503) == "nothing: the vault tries again by itself")
    }

    @Test("A misspelt command is compared with those that there are")
    func verbs() {
        func message(_ verb: String) -> String? {
            do throws(CommandFailure) {
                try Verb.check(["tokenvault", verb, "anna", "--key-file", "v.key"])
                return nil
            } catch {
                return error.message
            }
        }
        #expect(message("tokn")?.contains("did you mean `token`?") == true)
        #expect(message("conect")?.contains("did you mean `connect`?") == true)
        #expect(message("frobnicate")?.contains("did you mean") == false)
        for verb in ["token", "app", "help", "--help", "--version", "practice-server"] {
            #expect(message(verb) == nil, "\(verb)")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension VaultError {
    private static let ways = ProviderSetting["client_authentication"]?.words ?? ""

    /// What each code means to somebody at a terminal: the exit status and what to do next. A test
    /// compares it with the library's list of codes.
    static let advice: [(code: Code, status: ExitStatus, text: String)] = [
        (
            .invalidArgument, .usage,
            "an id, a scope or a setting breaks its limits: correct it (ids are 1 to 255 bytes "
                + "without control characters)"
        ),
        (
            .limitExceeded, .badData,
            "that is more than the vault takes: make it smaller; or too many callers wait at once: "
                + "try again"
        ),
        (
            .tooManySecrets, .temporaryFailure,
            "too many secrets are open in this process: try again"
        ),
        (.forked, .internalFault, "the vault was used in a forked process: start a new one"),
        (.outOfMemory, .temporaryFailure, "no memory or threads are left: free some, try again"),
        (
            .wrongRootKey, .refused,
            "this key does not open this vault: give the one it was made with"
        ),
        (
            .headerDamaged, .badData,
            "the vault's HEADER is damaged: restore it from a backup; nothing was changed"
        ),
        (
            .unsupportedFormat, .badData,
            "the vault was written by a newer version, and nothing is damaged: use that version"
        ),
        (
            .databaseUnsupported, .misconfigured,
            "the vault's database was written by another version of LMDB, and nothing is damaged: "
                + "0.9 and 1.0 do not read each other's files; run a build with the other one"
        ),
        (
            .databaseDamaged, .badData,
            "the vault's database, db/data.mdb, is cut short or its first pages are damaged: "
                + "restore the whole directory from a backup, or copy what can still be read with "
                + "`tokenvault audit --salvage DIR`; nothing was changed"
        ),
        (
            .rootKeyUnusable, .refused,
            "the root key cannot be used: a key file is a regular file of 32 random bytes, belongs "
                + "to you and has mode 0400 or 0600; a passphrase has 8 to 1024 bytes"
        ),
        (
            .rootKeyWeak, .refused,
            "the root key is 32 times the same byte, which anybody can guess: make one with "
                + "`head -c 32 /dev/urandom`"
        ),
        (
            .secretFileUnusable, .refused,
            "a file with a secret cannot be used: it is a regular file of 1 to 16384 bytes, "
                + "belongs to you and has mode 0400 or 0600"
        ),
        (
            .keyDerivationRefused, .refused,
            "the vault's HEADER asks for more time or memory to stretch the passphrase than is "
                + "allowed: give the --passphrase-opslimit and --passphrase-memlimit (here in "
                + "MiB) that the vault was made with; if it was made without them, HEADER was "
                + "altered: restore it from a backup"
        ),
        (
            .authenticationFailed, .badData,
            "a record was altered, or an older file was put back: `tokenvault audit` says what "
                + "does not open; restore the whole directory from a backup, or copy what still "
                + "opens with `tokenvault audit --salvage DIR`"
        ),
        (
            .integrityFailed, .badData,
            "the vault as a whole does not verify: restore it from a backup, or copy what still "
                + "opens with `tokenvault audit --salvage DIR`; nothing was changed, but for a "
                + "disconnect that was cut short: it is finished"
        ),
        (
            .recordDamaged, .badData,
            "a record breaks the format: restore the vault from a backup, or copy what still opens "
                + "with `tokenvault audit --salvage DIR`"
        ),
        (
            .notVerified, .temporaryFailure,
            "the vault is still being verified: try again in a few seconds"
        ),
        (.vaultExists, .cannotCreate, "there is something at this path: choose another"),
        (
            .vaultMissing, .missing,
            "there is no vault here: check --vault, or run `tokenvault init`"
        ),
        (
            .vaultIncomplete, .badData,
            "a file of the vault is missing beside others that are there: restore the vault from a "
                + "backup of the whole directory; nothing was changed"
        ),
        (
            .vaultLocked, .temporaryFailure,
            "another process has the vault open: try again when it has ended, or end it"
        ),
        (
            .unsafeDirectory, .refused,
            "the vault's directory and its files must be yours alone, and no symbolic links: chmod "
                + "700 the directory and db, chmod 600 HEADER, SLOTS, LOCK and db/data.mdb"
        ),
        (.storeFull, .inputOutput, "the disk is full; nothing was lost: make room, try again"),
        (
            .storageFailed, .inputOutput,
            "reading or writing failed: check the disk, then start again"
        ),
        (.notFound, .missing, "there is no such connection: see `tokenvault list`"),
        (.alreadyExists, .cannotCreate, "there is one already: choose another id"),
        (.generationChanged, .temporaryFailure, "somebody else wrote at the same time: try again"),
        (.closed, .temporaryFailure, "the vault is being closed: try again"),
        (.cancelled, .temporaryFailure, "cancelled: try again"),
        (
            .applicationNotFound, .missing,
            "there is no such application: see `tokenvault app list`, or add it"
        ),
        (
            .endpointRefused, .misconfigured,
            "an endpoint must be https and on the open internet: correct it, or give "
                + "--allow-network for a private network, --allow-loopback-http for a practice "
                + "server on this machine"
        ),
        (
            .callbackRejected, .badData,
            "this callback belongs to no open flow, or was used already: run connect again"
        ),
        (
            .callbackOfAnother, .badData,
            "this callback is of the flow that was started for this connection, not for the one "
                + "asked for; nothing was sent: paste the address that your own flow ended at"
        ),
        (.flowExpired, .connectAgain, "the flow was started too long ago: run connect again"),
        (
            .otherAccount, .connectAgain,
            "another account came back than the connection has, and the application refuses that "
                + "(refuses_other_account); nothing was changed: sign in at the provider with the "
                + "account that `tokenvault status` names, and run connect again; where the other "
                + "one is meant, disconnect first"
        ),
        (
            .linkExpired, .connectAgain,
            "the connection link was used already, is older than ten minutes, or its connection "
                + "was disconnected: make another one"
        ),
        (.flowDenied, .connectAgain, "the user or the provider refused: run connect again"),
        (
            .flowEnded, .connectAgain,
            "no device authorization of the connection is open: it was cancelled, or another one "
                + "was started: run connect --device again"
        ),
        (
            .authorizationRefused, .misconfigured,
            "the provider sent the user back with an error: correct the scopes, the redirect URI "
                + "or the authorization parameters, then connect again"
        ),
        (
            .issuerMismatch, .misconfigured,
            "the callback's iss is not the issuer of the provider's definition, or is missing: "
                + "correct issuer or authorization_response_iss_parameter_supported; if they are "
                + "right, somebody mixed two providers up: connect again"
        ),
        (
            .providerRefused, .misconfigured,
            "the provider refused: see the error and the status"
        ),
        (
            .providerUnreachable, .providerUnavailable,
            "no connection to the provider could be made: check the endpoint's host name and port, "
                + "and the network; if they are right, try later"
        ),
        (
            .proxyFailed, .providerUnavailable,
            "the proxy cannot be reached, or refuses, and nothing was sent to the provider: "
                + "correct --proxy, or see at the proxy"
        ),
        (
            .providerBusy, .providerUnavailable,
            "the provider answered that it is busy, or has a fault of its own: try later"
        ),
        (
            .certificateRefused, .misconfigured,
            "the provider's certificate is untrusted, expired or of another name, and nothing was "
                + "sent: check the endpoint, or name the certificates to trust with --ca-file"
        ),
        (
            .certificateFileUnusable, .misconfigured,
            "the file that --ca-file names cannot be read, or holds no certificate: name one in "
                + "PEM form"
        ),
        (
            .answerLost, .providerUnavailable,
            "the request was sent, and the connection ended before the answer: try later"
        ),
        (
            .backingOff, .providerUnavailable,
            "nothing was sent: the provider failed before, or asked for a pause, and is left alone "
                + "for a while: try later"
        ),
        (
            .providerAnswerUnreadable, .providerUnavailable,
            "the provider answered with something that names a token and is no token response: "
                + "it is kept, and a newer version may read it; " + Self.unreadWaysOut
        ),
        (.deadlineExceeded, .providerUnavailable, "the provider took too long: try later"),
        (
            .applicationMisconfigured, .misconfigured,
            "the provider rejects the application: correct its client id, its secret or signing "
                + "key, or how it authenticates (client_authentication: \(ways)) with `tokenvault "
                + "app add --replace`; of a signing key the provider needs the public half "
                + "(`tokenvault app key`)"
        ),
        (.grantLost, .connectAgain, "the provider has ended the grant: run connect again"),
        (
            .notRefreshable, .connectAgain,
            "the token cannot be refreshed: see `tokenvault status`, and run connect again"
        ),
        (
            .answerOutstanding, .temporaryFailure,
            "the answer to a refresh is outstanding; it is waited for, and nothing else is sent: "
                + "try again later"
        ),
        (
            .cursorExpired, .missing,
            "the log does not have what comes behind this cursor any more, or the cursor is of "
                + "another vault: leave --after out for the oldest event that is kept"
        ),
        (.disconnecting, .temporaryFailure, "the connection is being disconnected: wait"),
        (.notConnected, .connectAgain, "nobody has completed its flow yet: run connect"),
    ]

    /// What the number says; nil where there is none.
    private var meaning: String? {
        if code == .flowDenied { return oauthError }
        if code == .authorizationRefused { return providerError?.name }
        guard number != 0 else { return nil }
        return switch code {
        case .limitExceeded: "the limit is \(number)"
        case .notRefreshable where detail.cause == .minimumTooLong: "\(number) s"
        case .providerRefused, .applicationMisconfigured, .notRefreshable, .grantLost:
            "HTTP \(number)" + (providerError.map { ", \($0.name)" } ?? "")
        case .providerAnswerUnreadable: "HTTP \(number)"
        case .unsafeDirectory, .rootKeyUnusable, .secretFileUnusable, .certificateFileUnusable,
            .invalidArgument:
            nil
        case .storageFailed, .storeFull, .vaultMissing, .vaultLocked, .vaultIncomplete:
            number > 0 ? "errno \(number)" : "LMDB \(number)"
        case .integrityFailed: number < 0 ? "LMDB \(number)" : "\(number)"
        case .answerOutstanding: "\(number) s ago"
        case .backingOff: "for \(number) s"
        case .providerBusy: "HTTP \(number)"
        case .proxyFailed where number >= 100: "the proxy: HTTP \(number)"
        case .providerUnreachable, .answerLost, .proxyFailed:
            "curl \(number)" + Self.text(curlCode: number)
        case .certificateRefused: "OpenSSL \(number)" + Self.text(verifyResult: number)
        default: "\(number)"
        }
    }

    /// The exit status and one line for people.
    var failure: CommandFailure { failure(of: nil) }

    /// The same of a connection whose application is known by name.
    func failure(of application: String?) -> CommandFailure {
        var subject = ""
        if let connection { subject = "\(connection.text): " }
        var detail = "\(code), \(stage.rawValue)"
        if let meaning { detail += ", \(meaning)" }
        guard let remedy = remedy(of: application) else {
            return CommandFailure(.internalFault, "\(subject)an unknown fault (\(detail))")
        }
        return CommandFailure(remedy.status, "\(subject)\(remedy.text) (\(detail))")
    }

    /// The exit status, and what happened and what to do next, in words.
    var remedy: (status: ExitStatus, text: String)? { remedy(of: nil) }

    private func remedy(of application: String?) -> (status: ExitStatus, text: String)? {
        guard let advice = Self.advice.first(where: { $0.code == code }) else { return nil }
        guard let known = knownCause(of: application) else { return (advice.status, advice.text) }
        return (known.status ?? advice.status, known.text)
    }
}

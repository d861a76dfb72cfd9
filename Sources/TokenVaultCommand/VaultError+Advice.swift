// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension VaultError {
    /// What each code means to somebody at a terminal: the exit status and what to do next. A test
    /// compares it with the library's list of codes.
    static let advice: [(code: Code, status: ExitStatus, text: String)] = [
        (
            .invalidArgument, .usage,
            "an id, a scope or a setting breaks its limits: correct it (ids are 1 to 255 bytes "
                + "without control characters)"
        ),
        (.limitExceeded, .badData, "that is more than the vault takes: make it smaller"),
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
            "the vault was written by a newer version: use that version"
        ),
        (
            .rootKeyUnusable, .refused,
            "the root key cannot be used: a key file is a regular file of 32 random bytes, belongs "
                + "to you and has mode 0400 or 0600; a passphrase has 8 to 1024 bytes"
        ),
        (
            .keyDerivationRefused, .refused,
            "the vault's HEADER asks for more time or memory to stretch the passphrase than is "
                + "allowed: give the --passphrase-opslimit and --passphrase-memlimit (here in "
                + "MiB) it was made with; if nobody made it so, it was altered: restore it from a "
                + "backup"
        ),
        (
            .authenticationFailed, .badData,
            "a record was altered or replaced: restore the vault from a backup"
        ),
        (
            .integrityFailed, .badData,
            "the vault as a whole does not verify: restore it from a backup; nothing was changed,"
                + " but for a disconnect that was cut short: it is finished"
        ),
        (.recordDamaged, .badData, "a record breaks the format: restore the vault from a backup"),
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
            .vaultLocked, .temporaryFailure,
            "another process owns the vault and does not answer: wait for it or end it"
        ),
        (
            .unsafeDirectory, .refused,
            "the vault's directory must be yours alone and no symbolic link: chmod 700 it"
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
                + "--allow-loopback-http for a practice server"
        ),
        (
            .callbackRejected, .badData,
            "this callback belongs to no open flow, or was used already: run connect again"
        ),
        (.flowExpired, .connectAgain, "the flow was started too long ago: run connect again"),
        (.flowDenied, .connectAgain, "the user or the provider refused: run connect again"),
        (
            .providerRefused, .misconfigured,
            "the provider refused: check scopes and redirect URI, then connect again"
        ),
        (.providerUnreachable, .providerUnavailable, "the provider cannot be reached: try later"),
        (
            .providerAnswerUnreadable, .providerUnavailable,
            "the provider's answer is no token response: where `tokenvault status` says "
                + "replyUnread it is kept, and `tokenvault retry ID` goes on; else check the token "
                + "endpoint"
        ),
        (.deadlineExceeded, .providerUnavailable, "the provider took too long: try later"),
        (
            .applicationMisconfigured, .misconfigured,
            "the provider rejects the application: correct its id, secret, redirect URI or "
                + "client authentication with `tokenvault app add --replace`"
        ),
        (.grantLost, .connectAgain, "the provider has ended the grant: run connect again"),
        (
            .notRefreshable, .connectAgain,
            "the token cannot be refreshed: see `tokenvault status`, and run connect again; where "
                + "--min-ttl was given, the provider's tokens live shorter: ask for less"
        ),
        (
            .answerOutstanding, .temporaryFailure,
            "the answer to a refresh is outstanding; it is waited for, and nothing else is sent: "
                + "try again later"
        ),
        (.disconnecting, .temporaryFailure, "the connection is being disconnected: wait"),
        (.notConnected, .connectAgain, "nobody has completed its flow yet: run connect"),
    ]

    /// The exit status and one line for people.
    var failure: CommandFailure {
        var subject = ""
        if let connection { subject = "\(connection.text): " }
        var detail = "\(code), \(stage.rawValue)"
        if number != 0 { detail += ", \(number)" }
        if code == .answerOutstanding, number != 0 { detail += " s ago" }
        guard let advice = Self.advice.first(where: { $0.code == code }) else {
            return CommandFailure(.internalFault, "\(subject)an unknown fault (\(detail))")
        }
        return CommandFailure(advice.status, "\(subject)\(advice.text) (\(detail))")
    }
}

// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say of what was given on the command line.
extension VaultError {
    var argument: KnownCause? {
        if detail.cause == .noAccountLookup { return unknownAccounts }
        guard let subject = detail.subject else { return nil }
        if subject == .variable { return variable }
        if subject == .hiddenNames {
            return KnownCause(
                "at most \(ConnectionSettings.hiddenNamesMax) names can be hidden, of letters, "
                    + "digits, - and _", .usage)
        }
        if subject == .resolve { return resolve }
        if let network { return network }
        if subject == .signingKey { return signingKey }
        if detail.cause == .tooMany {
            return KnownCause("at most \(number) scopes can be asked for at a time", .usage)
        }
        if detail.cause == .insideVault {
            return KnownCause(
                "a new vault cannot be made inside another: choose another path", .usage)
        }
        if subject == .code {
            return KnownCause(
                "the provider's authorization code is longer than \(number) bytes, the most that "
                    + "the vault sends; nothing was sent: see at the provider why it is so long",
                .badData)
        }
        let rule: String? =
            switch detail.cause {
            case .empty where subject == .clientSecret:
                "is missing, and the application authenticates with one"
            case .empty: "is empty"
            case .missing: "is missing, and nobody's browser can be sent there without"
            case .tooLong: "is longer than \(number) bytes"
            case .controlCharacter: "has a line end or another control character in it"
            case .setByProvider:
                "has state, code, error or iss in its query, which the provider adds when it sends "
                    + "the user back: register one without it"
            case .wrongCharacter where subject == .clientSecret:
                "has other bytes than printable ASCII, as no client secret has: a byte order mark, "
                    + "UTF-16, a tab or a line end in it: save it as plain text, without one; or "
                    + "it has a colon, which no user name of Basic has (secret_as_user)"
            case .wrongCharacter where subject == .accessToken:
                "has a byte that no header may have, such as a line end or a space: put it again "
                    + "without"
            case .wrongCharacter: "has letters, digits, '-', '_' and '.', nothing else"
            case .fragment: "has a fragment: take out the # and what follows"
            case .malformedURL:
                "is not absolute: it begins with a scheme, such as https:// or http://127.0.0.1"
            case .plainHTTP:
                "is http on a host that is not this machine, where others could read the code: "
                    + "register one with https, or with http on 127.0.0.1"
            case .newerThanPresent:
                "is newer than the connection's present one: take it from `tokenvault status "
                    + "--json`"
            default: nil
            }
        guard let rule else { return nil }
        let name: String =
            switch subject {
            case .scope: "a scope"
            case .connectionID: "the connection's id"
            case .applicationID: "the application's id"
            default: "the \(subject.name)"
            }
        return KnownCause("\(name) \(rule)\(limits(of: subject))", .usage)
    }

    /// A value of one of the provider's variables.
    var variable: KnownCause {
        detail.cause == .valueMissing
            ? KnownCause(
                "a value is missing that the provider's endpoints need: give it (--set "
                    + "name=value); `tokenvault app list --json` shows the variables", .usage)
            : KnownCause(
                "a value is not what the provider's definition takes: correct it (--set "
                    + "name=value); `tokenvault app list --json` shows the variables", .usage)
    }

    /// An entry of `--resolve`.
    private var resolve: KnownCause {
        let text =
            switch detail.cause {
            case .tooMany: "is there more than \(number) times"
            case .loopbackAddress: "is for practice servers: give --allow-loopback-http as well"
            case .notLoopback:
                "names an address that is not this machine's: name one of 127.0.0.0/8, or ::1"
            case .twice: "names a host and port twice: name one address"
            default:
                "is HOST:PORT:ADDRESS, such as login.example.com:443:127.0.0.1: a host name, a "
                    + "port, one address"
            }
        return KnownCause("--resolve \(text)", .usage)
    }

    private func limits(of subject: FailureSubject) -> String {
        guard detail.cause != .tooLong, detail.cause != .wrongCharacter else { return "" }
        return switch subject {
        case .connectionID: ": ids are 1 to 255 bytes without control characters"
        case .scope: ": give each scope by itself, 1 to 256 bytes"
        default: ""
        }
    }
}

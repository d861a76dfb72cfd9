// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension LineFault {
    /// What is wrong, and what to do, for people.
    var text: String { member.map { "\($0) \(rule)" } ?? "\(whole) \(rule)" }

    private var whole: String { problem == .unknownMember ? "a member" : "the line" }

    private var rule: String {
        switch problem {
        case .notUTF8: "is not UTF-8: save the file as UTF-8"
        case .notAnObject:
            "is no JSON object: write one object a line, whole, without commas between"
        case .trailingText: "has something behind its object: write one object a line"
        case .tooLong: "is longer than \(limit) bytes"
        case .unknownMember:
            "is none that a line has: correct its name, or take it out (the article "
                + "ImportAndExport lists all of them)"
        case .twice: "is there twice: write it once"
        case .wrongType: "is of the wrong kind: write \(kind)"
        case .missing: "is missing: each line has one"
        case .empty: "is empty: leave it out, or write null"
        case .wrongCharacter: "has a character that may not be there: \(characters)"
        case .notATime:
            "is no moment: write it as 2026-11-30T12:00:00Z, with its offset, or as seconds since "
                + "1970"
        case .milliseconds: "is in milliseconds: divide it by 1000"
        case .outOfRange: "is out of range: \(range)"
        case .conflict: "stands beside expires_at: write one of them"
        case .needsIssuedAt: "needs issued_at, from which it counts; or write expires_at instead"
        case .needsApplication: "is missing, and the line has what needs one: name it"
        case .needsClientID: "needs client_id beside it"
        case .needsGrantLostAt: "needs grant_lost_at beside it"
        case .notOfGrant: "stands beside a grant that has none: take one of them out"
        case .newerVersion: "is of a newer version than this one reads: use that one, or write 1"
        case .tooMany: "has more than \(limit) entries"
        case .sameID: "is the same as that of an earlier line: write each connection once"
        }
    }

    private var kind: String {
        switch member {
        case "variables", "captured": "an object of texts"
        case "hidden": "an array of texts"
        case "v", "expires_in", "refresh_count", "earlier_grants", "grant_lost_status":
            "a whole number"
        case let name? where name.hasSuffix("_at"): "a text or a number"
        default: "a text in quotes"
        }
    }

    private var characters: String {
        switch member {
        case "access_token", "refresh_token", "client_secret":
            "printable ASCII only; see whether it is encrypted or encoded still"
        case "application": "letters, digits, '-', '_' and '.' only"
        case "captured": "names are letters, digits, - and _, values without control characters"
        default: "no control characters"
        }
    }

    private var range: String {
        switch member {
        case "v": "write 1, or leave it out"
        case "expiry_source":
            "write unknown, expires_in, expires_at, jwt, provider, application or caller, or leave "
                + "it out"
        case "grant":
            "write \(GrantType.allCases.map(\.rawValue).joined(separator: " or ")), or leave it out"
        case "grant_lost_status": "an HTTP status is 0 to 999"
        case let name? where name.hasSuffix("_at"): "write a moment between 1970 and 9999"
        default: "write a smaller number"
        }
    }
}

extension ExportError {
    /// What it means to somebody at a terminal.
    func failure(of path: String) -> CommandFailure {
        let file = path.printable
        return switch reason {
        case .notAnExport:
            CommandFailure(
                .badData, "\(file) is no sealed export: import lines in the clear without a key")
        case .newerVersion:
            CommandFailure(
                .badData, "\(file) is of a newer version of the format: use a newer tokenvault")
        case .headerAltered:
            CommandFailure(
                .badData,
                "the beginning of \(file) was changed or is not all there; nothing was imported: "
                    + "copy it once more, or export again")
        case .wrongPassphrase:
            CommandFailure(
                .refused,
                "the passphrase is not the one that \(file) was sealed with: give that one")
        case .malformedPassphrase:
            CommandFailure(.usage, "a passphrase has 8 to 1,024 bytes: use a longer one")
        case .wrongPrivateKey:
            CommandFailure(
                .refused, "\(file) was sealed to another public key: give that one's private key")
        case .malformedKey:
            CommandFailure(
                .usage,
                "a key is 64 hexadecimal digits: make a pair with `tokenvault export --keygen FILE`"
            )
        case .needsPassphrase:
            CommandFailure(
                .usage, "\(file) is sealed: give --passphrase-file, or --private-key-file")
        case .needsPrivateKey:
            CommandFailure(.usage, "\(file) is sealed to a public key: give --private-key-file")
        case .chunkAltered:
            CommandFailure(
                .badData,
                "chunk \(chunk) of \(file) was changed or is not in its place; nothing was "
                    + "imported: copy it once more, or export again")
        case .truncated:
            CommandFailure(
                .badData,
                "\(file) is cut short in chunk \(chunk); nothing was imported: copy it once more, "
                    + "or export again")
        case .appended:
            CommandFailure(
                .badData,
                "something follows the end of \(file); nothing was imported: copy it once more, "
                    + "or export again")
        case .exists:
            CommandFailure(.cannotCreate, "there is something at \(file) already: name another")
        case .outOfMemory:
            CommandFailure(
                .temporaryFailure, "no memory to stretch the passphrase, which takes 256 MiB")
        }
    }
}

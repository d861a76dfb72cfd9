// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

// What to say of files, keys, callbacks and arguments: which one, and which rule.
extension VaultError {
    static let noDatabaseText =
        "db/data.mdb is empty, cut off or not an LMDB database: restore the vault from a backup, "
        + "or copy what still opens with `tokenvault audit --salvage DIR`; nothing was changed"

    static let slotsText =
        "the vault's SLOTS is longer than its records explain, or holds a slot that the vault did "
        + "not put there: restore the whole directory from a backup, or copy what opens with "
        + "`tokenvault audit --salvage DIR`"

    var lostDatabase: KnownCause? {
        guard detail.cause == .nothingLeft else { return nil }
        return KnownCause(
            "the vault's database, db/data.mdb, is cut so short or so damaged that no record in it "
                + "can be reached, and without records the keys in SLOTS open nothing: nothing "
                + "is left to salvage; restore the whole directory from a backup, or make a new "
                + "vault and connect again; nothing was changed")
    }

    var certificateFile: KnownCause? {
        let text: String? =
            switch detail.cause {
            case .noCertificate: "holds no certificate: name one in PEM form"
            case .damagedCertificate: "holds a damaged certificate: get it anew"
            case .wrongKind: "is no regular file"
            case .tooLong: "is longer than 8 MiB"
            default: number > 0 ? SystemMessage.of(Int32(clamping: number)) : nil
            }
        return text.map { KnownCause("the file that --ca-file names \($0)") }
    }

    var wrongKey: KnownCause? {
        switch detail.cause {
        case .passphraseForKey:
            KnownCause(
                "this vault was made with a key, not a passphrase: give --key-file or --key-fd")
        case .keyForPassphrase:
            KnownCause(
                "this vault was made with a passphrase, not a key: give --passphrase or "
                    + "--passphrase-fd")
        default: nil
        }
    }

    var unusableKey: KnownCause? {
        switch detail.cause {
        case .empty: KnownCause("the root key is empty: nothing came from the descriptor")
        case .malformedKey:
            KnownCause(
                "the root key has \(number > 32 ? "more than 32" : "\(number)") bytes: a key "
                    + "is 32 random bytes")
        case .malformedPassphrase: KnownCause("a passphrase has 8 to 1024 bytes: give another")
        default: nil
        }
    }

    private var file: String? {
        detail.subject.map { $0 == .directory ? "the vault's directory" : "the vault's \($0.name)" }
    }

    var unsafeFile: KnownCause? {
        guard let file else { return nil }
        let isDirectory = detail.subject == .directory || detail.subject == .databaseDirectory
        switch detail.cause {
        case .symbolicLink:
            return KnownCause(
                detail.subject == .directory
                    ? "\(file) is a symbolic link: name the directory itself (--vault)"
                    : "\(file) is a symbolic link: put the \(isDirectory ? "directory" : "file") "
                        + "itself there")
        case .wrongKind:
            return KnownCause("\(file) is no \(isDirectory ? "directory" : "regular file")")
        case .otherOwner:
            return KnownCause(
                "\(file) belongs to user \(number), not to \(geteuid()), who runs this: chown it")
        case .openToOthers:
            return KnownCause(
                "\(file) has mode 0\(String(number, radix: 8)), and others could read or change "
                    + "it: chmod \(isDirectory ? 700 : 600) it")
        default: return nil
        }
    }

    var missingFile: KnownCause? {
        guard let file else { return nil }
        if detail.subject == .lockFile {
            return KnownCause(
                "\(file) is missing beside the vault's other files: it is an empty file of mode "
                    + "0600: make it anew, or restore the vault from a backup")
        }
        return KnownCause(
            "\(file) is missing beside the vault's other files: restore the vault from a backup of "
                + "the whole directory; nothing was changed")
    }

    var storage: KnownCause? {
        guard let errno = Int32(exactly: number), errno > 0 else { return nil }
        if let file {
            let next =
                switch errno {
                case EACCES, EPERM:
                    "see that this user may enter it and each directory above it; or name another "
                        + "(--vault)"
                case ELOOP, ENAMETOOLONG: "correct --vault"
                case EMFILE, ENFILE: "allow more open files (ulimit -n)"
                default: "check the disk, then start again"
                }
            return KnownCause("\(file) cannot be reached (\(SystemMessage.of(errno))): \(next)")
        }
        let next =
            switch errno {
            case EROFS: "mount its file system so that it can be written"
            case EACCES, EPERM: "see that it is yours, and that nothing forbids it"
            case EMFILE, ENFILE: "allow more open files (ulimit -n)"
            default: "check the disk, then start again"
            }
        return KnownCause(
            "reading or writing the vault failed (\(SystemMessage.of(errno))): \(next)")
    }

    /// What is full where it is not the disk.
    var shortFile: KnownCause? {
        guard number == Int(EFBIG) else { return nil }
        return KnownCause(
            "a file would be longer than this process may make it; nothing was lost: allow longer "
                + "files (ulimit -f), try again")
    }

    /// What has run out where it is neither memory nor threads.
    var tooFewFiles: KnownCause? {
        guard number == Int(EMFILE) || number == Int(ENFILE) else { return nil }
        return KnownCause(
            "too many files are open: allow this process more of them (ulimit -n), or close some, "
                + "then try again")
    }

    var rejectedCallback: KnownCause? {
        let again = "run connect again"
        switch detail.cause {
        case .noState:
            let said = detail.error.map { ", but an error (\($0.name))" } ?? ""
            return KnownCause(
                "the callback has no state\(said), so it belongs to no flow: paste the whole "
                    + "address; if that was all of it, \(again)")
        case .neitherCodeNorError:
            return KnownCause(
                "the callback has neither code nor error, so it says nothing: paste the whole "
                    + "address; if that was all of it, find out at the provider why, and \(again)")
        case .codeAndError, .parameterTwice:
            return KnownCause(
                "the callback says something twice, or two things that exclude each other, so "
                    + "somebody changed it on its way: \(again)")
        case .malformedQuery:
            return KnownCause(
                "the callback is cut off, or is not a URL's query: paste the whole address")
        case .unknownState:
            return KnownCause(
                "this callback belongs to no open flow: it was used already, is of another vault, "
                    + "or its flow began more than ten minutes ago: \(again)")
        case .otherApplication:
            return KnownCause("this callback is of a flow of another application: \(again)")
        case .signatureMissing, .signatureOther:
            return KnownCause(
                "the callback is not signed with the client secret, as callback_signature of the "
                    + "provider's definition demands: if its user is sure of it, correct the "
                    + "client secret (`tokenvault app add --replace`) or callback_signature; "
                    + "otherwise somebody forged it, and the flow is still open")
        case .otherRedirectURI:
            return KnownCause(
                "this callback came to another URL than the redirect URI of its application: "
                    + "correct redirect_uri, here and at the provider, then \(again)")
        case .unconfirmed:
            return KnownCause(
                "the platform has to confirm who finished this flow: confirm it, and it is "
                    + "completed")
        case .otherBrowser:
            return KnownCause("this callback's flow was started in a browser: finish it there")
        case .valueMissing:
            return KnownCause(
                "the callback does not say where the provider is, as its definition says that it "
                    + "does (callback): correct the definition, or give the value by --set, and "
                    + again)
        case .valueRefused:
            return KnownCause(
                "the callback names a value that the provider's definition does not take, so no "
                    + "code was sent there: if it is right, correct pattern or host_suffixes, and "
                    + again)
        default: return nil
        }
    }

    var issuer: KnownCause? {
        switch detail.cause {
        case .issuerMissing:
            KnownCause(
                "the callback has no iss, which the provider's definition demands: if the provider "
                    + "sends none, take authorization_response_iss_parameter_supported out; if it "
                    + "does, somebody took it away: run connect again")
        case .issuerOther:
            KnownCause(
                "the callback's iss is not the issuer of the provider's definition: correct "
                    + "issuer; if it is right, somebody mixed two providers up: run connect again")
        default: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What went wrong, where in a token's life, and for which connection.
///
/// There is no text field: nothing a token, a URL or a provider's answer could travel in. `code`
/// says what the caller should do, `number` is the C library's, HTTP's or errno's own number.
///
/// ## If the compiler crashes
///
/// Swift 6.3.1 crashes in `MandatoryAllocBoxToStack`, or does not end, on a `catch` with `where`
/// where three things come together: all that its `do` throws has this type; the function throws
/// without a type, and no `catch` takes the rest; and the function has a `var`, or a `let` of what
/// cannot be copied, such as a ``LentToken``. What makes, opens or audits a vault throws without
/// a type for that reason. With the other verbs do one of these:
///
/// ```swift
/// do { … } catch let error where error.code == .notFound { … } catch { throw error }
/// do throws(any Error) { … } catch let error as VaultError where error.code == .notFound { … }
/// ```
public struct VaultError: Error, Sendable {
    /// The reason. New codes may be added; compare, never switch exhaustively.
    public struct Code: Hashable, Sendable {
        let kind: Kind
    }

    /// The folder of the source tree that the error came from.
    @nonexhaustive
    public enum Stage: String, Hashable, Sendable {
        case atoms, authorize, exchange, seal, store, upkeep, vault
    }

    /// The reason.
    public let code: Code
    /// Where in a token's life it happened.
    public let stage: Stage
    /// The connection it concerns, where there is one.
    public var connection: ConnectionID? { named as? ConnectionID }
    /// A `ConnectionID`, and any other value for the compiler: Swift 6.3.1 crashes on `catch ...
    /// where` beside a call that rethrows, such as `??`, if the typed error is a struct with
    /// references in it, and does not if its layout is unknown.
    private let named: (any Sendable)?
    /// An errno, an HTTP status, or a code of LMDB, libsodium or curl; 0 where none applies.
    public let number: Int
    /// What else is known: the provider's `error`, the rule that was broken, and by what.
    public let detail: FailureDetail
    /// Before when it is of no use to try again, where the provider said so.
    public let retryTime: UnixTime?

    package init(
        _ code: Code, _ stage: Stage, connection: ConnectionID? = nil, number: Int = 0,
        detail: FailureDetail = FailureDetail(), retryTime: UnixTime? = nil
    ) {
        self.code = code
        self.stage = stage
        named = connection
        self.number = number
        self.detail = detail
        self.retryTime = retryTime
    }

    /// With the rule that was broken.
    package init(
        _ code: Code, _ stage: Stage, number: Int = 0, _ cause: FailureCause,
        _ subject: FailureSubject? = nil
    ) {
        self.init(
            code, stage, number: number, detail: FailureDetail(cause: cause, subject: subject))
    }

    package func concerning(_ connection: ConnectionID?) -> VaultError {
        VaultError(
            code, stage, connection: self.connection ?? connection, number: number,
            detail: detail, retryTime: retryTime)
    }
}

extension VaultError: Hashable {
    /// True where all of it is the same.
    public static func == (left: Self, right: Self) -> Bool {
        left.code == right.code && left.stage == right.stage && left.connection == right.connection
            && left.number == right.number && left.detail == right.detail
            && left.retryTime == right.retryTime
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(connection)
        hasher.combine(number)
    }
}

extension VaultError.Code {
    enum Kind: String, Hashable, Sendable {
        case invalidArgument, limitExceeded, tooManySecrets, forked, outOfMemory
        case wrongRootKey, headerDamaged, unsupportedFormat, rootKeyUnusable, rootKeyWeak
        case keyDerivationRefused, secretFileUnusable
        case databaseUnsupported, databaseDamaged
        case authenticationFailed, integrityFailed, recordDamaged, notVerified
        case vaultExists, vaultMissing, vaultIncomplete, vaultLocked, unsafeDirectory
        case storeFull, storageFailed
        case notFound, alreadyExists, generationChanged, closed, cancelled
        case applicationNotFound, endpointRefused
        case callbackRejected, callbackOfAnother, flowExpired, flowDenied, flowEnded, linkExpired
        case authorizationRefused, otherAccount
        case issuerMismatch
        case providerRefused, providerUnreachable, providerAnswerUnreadable, deadlineExceeded
        case providerBusy, certificateRefused, answerLost, backingOff, certificateFileUnusable
        case applicationMisconfigured, grantLost, notRefreshable, disconnecting, notConnected
        case answerOutstanding, proxyFailed, cursorExpired
    }

    /// An argument breaks a documented limit or form. Correct the call.
    public static let invalidArgument = Self(kind: .invalidArgument)
    /// A named limit would be exceeded. `number` is the limit.
    public static let limitExceeded = Self(kind: .limitExceeded)
    /// The secret arena is full and stayed full. Hold fewer secrets at a time, then try again.
    public static let tooManySecrets = Self(kind: .tooManySecrets)
    /// The handle was used in a child process made by fork. Open the vault there instead, once the
    /// parent has closed it.
    public static let forked = Self(kind: .forked)
    /// The system has no memory or address space left.
    public static let outOfMemory = Self(kind: .outOfMemory)
    /// The root key is not the one this vault was made with.
    public static let wrongRootKey = Self(kind: .wrongRootKey)
    /// Neither header page is intact. Restore the file; nothing was changed.
    public static let headerDamaged = Self(kind: .headerDamaged)
    /// Its HEADER says, intact, that it takes a newer version of this library. Use that one.
    public static let unsupportedFormat = Self(kind: .unsupportedFormat)
    /// The database is another version's of LMDB: 0.9 and 1.0 do not read each other's files. Use a
    /// build with that LMDB; nothing is damaged. `number` is what the file says of its version.
    public static let databaseUnsupported = Self(kind: .databaseUnsupported)
    /// `db/data.mdb` is cut short, or its first pages are damaged: LMDB would crash on it.
    /// Restore the whole directory, or save what can still be read. `number` is how many pages it
    /// has where it is cut.
    public static let databaseDamaged = Self(kind: .databaseDamaged)
    /// The root key source cannot be used: no regular file, wrong length, mode, owner, or too weak
    /// parameters.
    public static let rootKeyUnusable = Self(kind: .rootKeyUnusable)
    /// The root key is the same byte throughout, and was never random. Make one from a source of
    /// randomness.
    public static let rootKeyWeak = Self(kind: .rootKeyWeak)
    /// A file that was given as a secret cannot be used: not there, no regular file, not ours, open
    /// to others, empty or too long, as `detail` says. `number` is the errno, the mode, the owner
    /// or the limit.
    public static let secretFileUnusable = Self(kind: .secretFileUnusable)
    /// HEADER asks for more passes or memory to stretch the passphrase than `Argon2idLimits`
    /// allows: it was altered, or the vault was made with more. `number` is its memory in MiB.
    public static let keyDerivationRefused = Self(kind: .keyDerivationRefused)
    /// A sealed record or key slot does not open: it was altered, moved or replaced.
    public static let authenticationFailed = Self(kind: .authenticationFailed)
    /// The store as a whole does not match its MAC. It opens for audit only.
    public static let integrityFailed = Self(kind: .integrityFailed)
    /// A record opened, but its contents break the format.
    public static let recordDamaged = Self(kind: .recordDamaged)
    /// The store is still being verified. Wait for `ready`.
    public static let notVerified = Self(kind: .notVerified)
    /// There is something at the path already.
    public static let vaultExists = Self(kind: .vaultExists)
    /// There is no vault at the path.
    public static let vaultMissing = Self(kind: .vaultMissing)
    /// A file of the vault is missing beside others that are there: `detail` says which. Restore
    /// it.
    public static let vaultIncomplete = Self(kind: .vaultIncomplete)
    /// Another process owns the vault.
    public static let vaultLocked = Self(kind: .vaultLocked)
    /// The directory, or a file in it, is a symbolic link, not ours, or open to others: `detail`
    /// says which and what. `number` is its mode, or its owner.
    public static let unsafeDirectory = Self(kind: .unsafeDirectory)
    /// The disk or the map is full. Nothing was lost; make room and try again.
    public static let storeFull = Self(kind: .storeFull)
    /// A write failed in a way that leaves its fate unknown. Close and reopen the vault.
    public static let storageFailed = Self(kind: .storageFailed)
    /// There is no such entry.
    public static let notFound = Self(kind: .notFound)
    /// There is such an entry already.
    public static let alreadyExists = Self(kind: .alreadyExists)
    /// Somebody else wrote first. Read again, then decide.
    public static let generationChanged = Self(kind: .generationChanged)
    /// The vault was closed.
    public static let closed = Self(kind: .closed)
    /// The caller's task was cancelled. What it waited for goes on.
    public static let cancelled = Self(kind: .cancelled)
    /// The connection names an application that is not there.
    public static let applicationNotFound = Self(kind: .applicationNotFound)
    /// An endpoint's URL or address is not allowed: not HTTPS, a private address, a bad form;
    /// `detail` says which endpoint and what.
    public static let endpointRefused = Self(kind: .endpointRefused)
    /// The callback does not belong to a flow that is open in this browser, or is malformed:
    /// `detail` says why. Start again.
    public static let callbackRejected = Self(kind: .callbackRejected)
    /// The callback is the one of another connection's flow: `connection` says whose. Nothing was
    /// sent.
    public static let callbackOfAnother = Self(kind: .callbackOfAnother)
    /// The flow was started too long ago. Start again.
    public static let flowExpired = Self(kind: .flowExpired)
    /// The user, or the provider itself, refused: `access_denied`.
    public static let flowDenied = Self(kind: .flowDenied)
    /// No device authorization of the connection is open: it was cancelled, another one was
    /// started, or there was none. Start again.
    public static let flowEnded = Self(kind: .flowEnded)
    /// The connection link was used up, is older than ten minutes, or is of a connection that was
    /// disconnected since.
    public static let linkExpired = Self(kind: .linkExpired)
    /// The provider sent the user back with another error: the request was not as it wants it, or
    /// it has trouble of its own. `oauthError` says which.
    public static let authorizationRefused = Self(kind: .authorizationRefused)
    /// The user came back with another account than the connection has, and its application refuses
    /// that; or nobody could say which account it is: `detail` says which. Nothing was changed.
    public static let otherAccount = Self(kind: .otherAccount)
    /// The callback's `iss` (RFC 9207) is not the issuer of the provider's definition, or is
    /// missing. Correct the definition; else somebody mixed two providers up on purpose.
    public static let issuerMismatch = Self(kind: .issuerMismatch)
    /// The provider refused: `number` is the HTTP status, and `detail` has its OAuth error.
    public static let providerRefused = Self(kind: .providerRefused)
    /// No connection to the provider came about. `number` is curl's (`CURLE_...`). Try later, or
    /// correct the endpoint.
    public static let providerUnreachable = Self(kind: .providerUnreachable)
    /// No connection to the provider came about, for the proxy of `Vault.Settings.proxy` cannot be
    /// reached, or refuses; nothing was sent to the provider. `number` is the HTTP status with
    /// which it answered the CONNECT; below 100 it is curl's (`CURLE_...`), and 0 where its name
    /// resolves to no address that a proxy can have. The vault asks again by itself.
    public static let proxyFailed = Self(kind: .proxyFailed)
    /// The provider says that it is busy, or has a fault of its own: HTTP 429, 5xx. `number` is the
    /// status. Try later.
    public static let providerBusy = Self(kind: .providerBusy)
    /// The certificate of the provider is untrusted, expired, or of another name; nothing was sent.
    /// `number` is OpenSSL's (`X509_V_ERR_...`), 0 where it gives none. Check the endpoint, and the
    /// certificates that are trusted.
    public static let certificateRefused = Self(kind: .certificateRefused)
    /// The file of certificates that the settings name cannot be read, or holds none. `number` is
    /// the errno, 0 where it was read.
    public static let certificateFileUnusable = Self(kind: .certificateFileUnusable)
    /// The request was sent, and the connection ended before an answer. `number` is curl's
    /// (`CURLE_...`). The vault asks again by itself.
    public static let answerLost = Self(kind: .answerLost)
    /// Nothing was sent: earlier attempts failed, or the provider asked for a pause. `number` is
    /// for how many seconds it is left alone, as far as that is known.
    public static let backingOff = Self(kind: .backingOff)
    /// The provider's answer is not a token response.
    public static let providerAnswerUnreadable = Self(kind: .providerAnswerUnreadable)
    /// The deadline passed.
    public static let deadlineExceeded = Self(kind: .deadlineExceeded)
    /// The provider rejects the application itself: correct its id, secret or redirect URI.
    public static let applicationMisconfigured = Self(kind: .applicationMisconfigured)
    /// The provider has ended the grant. The user must connect again.
    public static let grantLost = Self(kind: .grantLost)
    /// The token expired and there is no refresh token, or no application to refresh it with.
    public static let notRefreshable = Self(kind: .notRefreshable)
    /// The connection is being disconnected.
    public static let disconnecting = Self(kind: .disconnecting)
    /// A refresh was sent, and the provider has not answered within the deadline. Its answer may
    /// hold the only new refresh token, so it is listened for, and nothing else is sent meanwhile.
    /// Ask again later. `number` is for how many seconds it has been outstanding.
    public static let answerOutstanding = Self(kind: .answerOutstanding)
    /// What comes behind the cursor is gone from the log of events, or the cursor is of another
    /// vault, or of another copy of this one. Go on from the oldest event that is kept, or the
    /// newest, and look at the connections for what was missed.
    public static let cursorExpired = Self(kind: .cursorExpired)
    /// The connection is configured, but nobody has completed its flow.
    public static let notConnected = Self(kind: .notConnected)
}

extension VaultError {
    /// The `error` with which the provider answered, or sent the user back (RFC 6749 sections
    /// 4.1.2.1 and 5.2 and kin): one of the registered codes, never the provider's own text. Nil
    /// where it is none of them.
    public var oauthError: String? {
        if code == .flowDenied { return OAuthError.accessDenied.code.description }
        return providerError.flatMap { $0 == .other ? nil : $0.code.description }
    }

    /// The same as an entry of the list.
    package var providerError: OAuthError? {
        if code == .authorizationRefused, let raw = UInt8(exactly: number) {
            return OAuthError(rawValue: raw)
        }
        return detail.error
    }
}

extension VaultError: CustomStringConvertible {
    /// The code, the stage and the numbers; safe to log by construction.
    public var description: String {
        var text = "\(code) (\(stage.rawValue))"
        if let connection { text += " connection \(connection)" }
        if number != 0 { text += " number \(number)" }
        for word in [detail.oauthError, detail.subjectName, detail.causeName] {
            if let word { text += " \(word)" }
        }
        return text
    }
}

extension VaultError.Code: CustomStringConvertible {
    /// The code's name.
    public var description: String { kind.rawValue }
}

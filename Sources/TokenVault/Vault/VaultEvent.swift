// SPDX-License-Identifier: Apache-2.0

/// Something that happened to a connection: an entry of its log, and what `events` streams.
///
/// It holds a code, a time and a number, never a token, a URL or a provider's text. Events tell of
/// changes; a refresh that worked as the one before did is counted in the status instead.
public struct VaultEvent: Sendable, Hashable {
    /// What happened. New kinds may be added.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        /// The number on disk.
        public let code: UInt16
        let name: String

        private init(_ code: UInt16, _ name: String) {
            self.code = code
            self.name = name
        }

        /// The kind's name.
        public var description: String { name }

        init?(code: UInt16) {
            guard let kind = Self.all.first(where: { $0.code == code }) else { return nil }
            self = kind
        }

        /// A flow was started. `number` is 0.
        public static let connectStarted = Kind(1, "connectStarted")
        /// A flow was completed: the connection has tokens.
        public static let connected = Kind(2, "connected")
        /// A flow failed, and nobody declined it. `number` is the provider's HTTP status; where no
        /// answer came curl's number, negative; 0 where it was not the provider. `detail` has its
        /// `error`, be it of the callback or of the token endpoint.
        public static let connectFailed = Kind(3, "connectFailed")
        /// Tokens were put by the platform.
        public static let tokensPut = Kind(4, "tokensPut")
        /// A refresh failed and will be tried again. `number` is the HTTP status; where no answer
        /// came curl's number (`CURLE_...`), negative.
        public static let refreshDelayed = Kind(5, "refreshDelayed")
        /// A refresh works again after one or more failures.
        public static let recovered = Kind(6, "recovered")
        /// The provider has ended the grant. `number` is the HTTP status.
        public static let grantLost = Kind(7, "grantLost")
        /// The provider rejects the application. `number` is the HTTP status.
        public static let applicationRejected = Kind(8, "applicationRejected")
        /// The provider refused for a reason that a retry does not mend. `number` is its status.
        public static let refreshRefused = Kind(9, "refreshRefused")
        /// A refresh was answered by a success that names a token and cannot be used. What may hold
        /// a token of it is kept, sealed; `number` is its length in bytes.
        public static let replyUnread = Kind(10, "replyUnread")
        /// A process ended while nobody knew whether the provider had replaced the refresh token: a
        /// request was on its way, or its answer told nothing.
        public static let attemptInDoubt = Kind(11, "attemptInDoubt")
        /// The platform says that a token was rejected.
        public static let tokenRejected = Kind(
            ConnectionRecord.rejectionCode, "tokenRejected")
        /// A disconnect began.
        public static let disconnectStarted = Kind(13, "disconnectStarted")
        /// The connection is gone. `number` is 1; 2 where an earlier process had begun it and an
        /// open finished it: that revokes nothing, and what was not revoked before lives on.
        public static let disconnected = Kind(14, "disconnected")
        /// Tokens came too late: after a disconnect, for a pair that was replaced meanwhile, or for
        /// a code when nobody waited for them any more. They are wiped; but for those of a pair
        /// that was replaced, unless connecting again revokes what it replaces, they are revoked
        /// first, where that is possible.
        public static let lateAnswer = Kind(15, "lateAnswer")

        /// The disk is full or fails, and nothing can be refreshed: `number` is 1. It takes again
        /// what was kept in memory for it: 0. Streamed, not logged.
        public static let storageRefused = Kind(16, "storageRefused")

        /// A refresh was sent and not answered within the deadline; its answer is listened for, and
        /// nothing else is sent meanwhile. `number` is for how many seconds it is, at most.
        public static let answerOutstanding = Kind(17, "answerOutstanding")

        /// The connection was connected again over a grant that it had. `number` is 0 where that
        /// was revoked at the provider, and 1 where it may live on there; where the rest of it is
        /// revoked later, with an answer that was outstanding, 0 follows.
        public static let grantReplaced = Kind(18, "grantReplaced")

        /// The application of a connection was removed: nothing refreshes it until that is added
        /// again. The reason of a status alone.
        public static let applicationRemoved = Kind(19, "applicationRemoved")

        /// The component that used the connection met an error of its own. `number` is what it
        /// said.
        public static let useFailed = Kind(20, "useFailed")

        /// A refresh worked. Streamed where `Vault.Settings.tellsRefreshes` says so, and logged
        /// where `logsRefreshes` does.
        public static let refreshed = Kind(21, "refreshed")

        /// The user, or the provider itself, declined a flow (`access_denied`): no fault of
        /// anybody's. `number` and `detail` as those of `connectFailed`.
        public static let connectDenied = Kind(22, "connectDenied")

        /// The connection was connected again, and the look-up found another account than before.
        /// Its status says which it was. `number` is 0.
        public static let accountChanged = Kind(23, "accountChanged")
        /// The user has to connect again soon, as far as anybody knows: see `diesAt` of the status.
        /// `number` is in how many seconds. Told once for each grant.
        public static let expiresSoon = Kind(24, "expiresSoon")

        static let all: [Kind] = [
            connectStarted, connected, connectFailed, tokensPut, refreshDelayed, recovered,
            grantLost, applicationRejected, refreshRefused, replyUnread, attemptInDoubt,
            tokenRejected, disconnectStarted, disconnected, lateAnswer, storageRefused,
            answerOutstanding, grantReplaced, applicationRemoved, useFailed, refreshed,
            connectDenied, accountChanged,
            expiresSoon,
        ]
    }

    /// When.
    public let time: UnixTime
    /// What.
    public let kind: Kind
    /// See the kind.
    public let number: Int64
    /// What else is known, of a failure: the provider's `error`, the rule that was broken.
    public let detail: FailureDetail
    /// Which connection, where the stream knows it; nil in the log of one that is gone.
    public let connection: ConnectionID?

    /// - Parameter number: as logs and records keep it.
    init(time: UnixTime, kind: Kind, number: Int64, connection: ConnectionID?) {
        self.time = time
        self.kind = kind
        (self.number, detail) = kind.meaning(of: number)
        self.connection = connection
    }
}

extension VaultEvent.Kind {
    /// Those whose number is a `FailureNumber`.
    private static let failures: Set<Self> = [
        connectFailed, connectDenied, refreshDelayed, refreshRefused, applicationRejected,
        grantLost,
    ]

    /// How many bytes of a reply lie unread at most, and above that why.
    private static let unreadBits: Int64 = 20

    /// The number of `replyUnread`.
    static func unread(byteCount: Int, _ cause: FailureCause?) -> Int64 {
        Int64(byteCount) | Int64(cause?.rawValue ?? 0) << unreadBits
    }

    /// What a number says that logs or records keep.
    func meaning(of raw: Int64) -> (number: Int64, detail: FailureDetail) {
        if self == .replyUnread {
            let cause = FailureCause(rawValue: UInt8(truncatingIfNeeded: raw >> Self.unreadBits))
            return (raw & (1 << Self.unreadBits - 1), FailureDetail(cause: cause))
        }
        guard Self.failures.contains(self) else { return (raw, FailureDetail()) }
        let failure = FailureNumber(raw: raw)
        return (failure.number, failure.detail)
    }
}

extension VaultEvent: CustomStringConvertible {
    /// One line for a log: the kind, the connection, the number and what else is known. No secret
    /// and no text of a provider's by construction.
    public var description: String {
        var text = "\(kind)"
        if let connection { text += " connection \(connection)" }
        if number != 0 { text += " number \(number)" }
        for word in [detail.oauthError, detail.subjectName, detail.causeName] {
            if let word { text += " \(word)" }
        }
        return text
    }
}

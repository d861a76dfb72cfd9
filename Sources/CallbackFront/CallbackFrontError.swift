// SPDX-License-Identifier: Apache-2.0

public import TokenVault

/// Why a front cannot be made, or a link not be given. It holds no text of a caller.
public struct CallbackFrontError: Error, Hashable, Sendable {
    /// The reason. New codes may be added; compare, never switch exhaustively.
    public struct Code: Hashable, Sendable {
        private enum Kind: String, Hashable, Sendable {
            case baseURLRefused, redirectRefused, plainCookiesRefused, portRefused, pagesRefused
            case redirectNotAllowed, callbackNotServed, plainCallbackRefused
            case confirmationURLRefused, confirmationURLMissing, notRunning, vaultFailed
            case cannotListen
        }

        private let kind: Kind

        /// A host, or `publicBaseURL`, is not `https://host` (`http` on loopback), with or without
        /// a path that is the same for all; or there is none, and the front is not to listen on
        /// loopback.
        public static let baseURLRefused = Self(kind: .baseURLRefused)
        /// A redirect on the allow-list is not an absolute `https` URL without query and fragment.
        public static let redirectRefused = Self(kind: .redirectRefused)
        /// Plain cookies were asked for where the front is reached by `https`.
        public static let plainCookiesRefused = Self(kind: .plainCookiesRefused)
        /// The port is not one of 0 to 65535.
        public static let portRefused = Self(kind: .portRefused)
        /// The name, the logo or the way back is empty, too long or of a form that is not shown.
        public static let pagesRefused = Self(kind: .pagesRefused)
        /// A link's redirect is not on the allow-list, character by character.
        public static let redirectNotAllowed = Self(kind: .redirectNotAllowed)
        /// The application's redirect URI is at none of the hosts that are served. Give it what
        /// `CallbackHost.callback(of:)` says, and register that at the provider.
        public static let callbackNotServed = Self(kind: .callbackNotServed)
        /// The application's redirect URI is the plain `/callback`, which others share, and its
        /// provider does not say who answers (RFC 9207). Give it `/callback/{application}`, or name
        /// it in `plainCallbackApplications`.
        public static let plainCallbackRefused = Self(kind: .plainCallbackRefused)
        /// `confirmationURL` is not an absolute `https` URL without query and fragment.
        public static let confirmationURLRefused = Self(kind: .confirmationURLRefused)
        /// A link is to await confirmation, and no `confirmationURL` is configured.
        public static let confirmationURLMissing = Self(kind: .confirmationURLMissing)
        /// No host is configured, and the front does not listen yet, so that its address is not
        /// known. One that is mounted never listens: it needs `hosts` or `publicBaseURL`.
        public static let notRunning = Self(kind: .notRunning)
        /// The vault refused: `vaultError` says why.
        public static let vaultFailed = Self(kind: .vaultFailed)
        /// The address cannot be listened on: somebody else does, it is not of this machine, or the
        /// port is a privileged one. `number` is the system's (`EADDRINUSE` and kin).
        public static let cannotListen = Self(kind: .cannotListen)

        fileprivate var name: String { kind.rawValue }
    }

    /// The reason.
    public let code: Code
    /// The system's number, where the code says so; else 0.
    public let number: Int32
    /// What the vault said, where it did.
    public let vaultError: VaultError?

    init(_ code: Code, number: Int32 = 0) {
        (self.code, self.number, vaultError) = (code, number, nil)
    }

    init(_ error: VaultError) { (code, number, vaultError) = (.vaultFailed, 0, error) }

    /// Whether both say the same.
    public static func == (left: Self, right: Self) -> Bool {
        left.code == right.code && left.number == right.number
            && left.vaultError?.code == right.vaultError?.code
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(number)
        hasher.combine(vaultError?.code)
    }
}

extension CallbackFrontError: CustomStringConvertible {
    /// The code's name.
    public var description: String {
        vaultError.map { "\(code.name): \($0.code)" } ?? code.name
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Why a front cannot be made, or a link not be given. It holds no text of a caller.
public struct CallbackFrontError: Error, Hashable, Sendable {
    /// The reason. New codes may be added; compare, never switch exhaustively.
    public struct Code: Hashable, Sendable {
        private enum Kind: String, Hashable, Sendable {
            case baseURLRefused, redirectRefused, plainCookiesRefused, portRefused
            case redirectNotAllowed, parameterRefused, tooManyLinks, notRunning, vaultFailed
            case cannotListen
        }

        private let kind: Kind

        /// `publicBaseURL` is not `https://host` (`http` on loopback), or is missing.
        public static let baseURLRefused = Self(kind: .baseURLRefused)
        /// A redirect on the allow-list is not an absolute `https` URL without query and fragment.
        public static let redirectRefused = Self(kind: .redirectRefused)
        /// Plain cookies were asked for where the front is reached by `https`.
        public static let plainCookiesRefused = Self(kind: .plainCookiesRefused)
        /// The port is not one of 0 to 65535.
        public static let portRefused = Self(kind: .portRefused)
        /// A link's redirect is not on the allow-list, character by character.
        public static let redirectNotAllowed = Self(kind: .redirectNotAllowed)
        /// A redirect parameter has more than 256 bytes, or there are more than 64 scopes
        /// or 4,096 bytes of them.
        public static let parameterRefused = Self(kind: .parameterRefused)
        /// 10,000 links wait to be opened. They expire after ten minutes.
        public static let tooManyLinks = Self(kind: .tooManyLinks)
        /// The front does not listen yet, so that its address is not known.
        public static let notRunning = Self(kind: .notRunning)
        /// The vault has no room for another secret at this moment. Try again.
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

    init(_ code: Code, number: Int32 = 0) { (self.code, self.number) = (code, number) }
}

extension CallbackFrontError: CustomStringConvertible {
    /// The code's name.
    public var description: String { code.name }
}

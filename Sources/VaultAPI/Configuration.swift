// SPDX-License-Identifier: Apache-2.0

import Glibc
import Hummingbird
public import Logging
public import TokenVault

extension VaultAPI {
    /// Where the API listens.
    public struct Configuration: Sendable {
        /// Where.
        public enum Address: Hashable, Sendable {
            /// An address of loopback and a port; 0 lets the system choose.
            case loopback(host: String, port: Int)
            /// The path of a Unix socket, which gets mode 0600.
            case unixSocket(path: String)
        }

        /// Where the API listens.
        public var address = Address.loopback(host: "127.0.0.1", port: 8081)
        /// Where the front is at which a browser opens the links of an application: what comes
        /// before `/connect/` and the link's token. Nil where it serves none of them, and nil as a
        /// whole where there is no front: then links cannot be made.
        public var linkBase: (@Sendable (ApplicationID) async -> String?)?
        /// Whether a flow may end at this URL, the first asked of success, the second of failure:
        /// the lists of the front. None is allowed by default.
        public var allowsRedirect: @Sendable (_ url: String, _ isOfSuccess: Bool) -> Bool = {
            _, _ in
            false
        }
        /// Called with the port once the API listens; with nil on a Unix socket.
        public var onServerRunning: @Sendable (Int?) async -> Void = { _ in }
        /// Gets a line for each kind of request, which is method, pattern of the path and status,
        /// nothing else; and once a minute how many more there were.
        public var logger = Logger(label: "vault-api")

        /// The defaults: loopback, port 8081.
        public init() {}
    }
}

/// Why an API cannot be had.
public struct VaultAPIError: Error, Hashable, Sendable {
    /// The reason.
    public enum Code: String, Hashable, Sendable {
        /// The address is not of loopback, or the path is longer than a socket's may be.
        case addressRefused
        /// The address cannot be had.
        case cannotListen
        /// The process has no room for another secret.
        case tooManySecrets
    }

    /// The reason.
    public let code: Code
    /// The errno; 0 where there is none.
    public let number: Int32

    init(_ code: Code, number: Int32 = 0) { (self.code, self.number) = (code, number) }
}

extension VaultAPI.Configuration {
    /// `sun_path` has room for so many bytes and a NUL.
    private static let pathBytesMax = 107

    func validate() throws(VaultAPIError) {
        let isAllowed =
            switch address {
            case .loopback(let host, let port):
                ["127.0.0.1", "::1", "localhost"].contains(host) && (0...65_535).contains(port)
            case .unixSocket(let path):
                (1...Self.pathBytesMax).contains(path.utf8.count) && !path.utf8.contains(0)
            }
        guard isAllowed else { throw VaultAPIError(.addressRefused) }
    }

    var bindAddress: BindAddress {
        switch address {
        case .loopback(let host, let port): .hostname(host, port: port)
        case .unixSocket(let path): .unixDomainSocket(path: path)
        }
    }

    /// Nobody else reaches a Unix socket from now on. Who did until now has no key.
    func closeToOthers() {
        guard case .unixSocket(let path) = address else { return }
        _ = unsafe chmod(path, 0o600)
    }
}

// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import TokenVault
import VaultAPI

/// Where `serve` offers the JSON API, as people write it: `127.0.0.1:8081`, `unix:/run/tv/api`.
struct APIAddress: Sendable {
    let text: String
    private let address: VaultAPI.Configuration.Address

    init(_ text: String) throws(CommandFailure) {
        self.text = text
        if text.hasPrefix("unix:") {
            address = .unixSocket(path: String(text.dropFirst("unix:".count)))
        } else if let listen = try? ListenAddress(text) {
            address = .loopback(host: listen.host, port: Int(listen.port))
        } else {
            throw Self.refused
        }
    }

    static let words =
        "127.0.0.1 or another address of this machine alone and a port, or unix: and a path"

    private static let refused = CommandFailure(
        .usage,
        "--api takes an address of this machine alone and a port, such as 127.0.0.1:8081, or "
            + "unix: and the path of a socket, of at most 107 bytes; for other machines put a "
            + "proxy with TLS before it")

    /// - Parameter front: whose links the API makes, and whose lists of redirects hold.
    func service(
        _ vault: Vault, _ front: CallbackFront?,
        _ isListening: @escaping @Sendable () -> Void
    ) throws(CommandFailure) -> VaultAPI {
        var configuration = VaultAPI.Configuration()
        configuration.address = address
        if let front {
            configuration.linkBase = { front.linkBase(of: $0) }
            configuration.allowsRedirect = { front.allowsRedirect($0, isOfSuccess: $1) }
        }
        configuration.onServerRunning = { _ in isListening() }
        do throws(VaultAPIError) {
            return try VaultAPI(vault: vault, configuration: configuration)
        } catch {
            throw Self.refused
        }
    }
}

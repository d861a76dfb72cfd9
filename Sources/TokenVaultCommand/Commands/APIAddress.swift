// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Synchronization
import TokenVault
import VaultAPI

/// Where `serve` offers the JSON API, as people write it: `127.0.0.1:8081`, `unix:/run/tv/api`.
struct APIAddress {
    private let address: VaultAPI.Configuration.Address

    init(_ text: String) throws(CommandFailure) {
        if text.hasPrefix("unix:") {
            address = .unixSocket(path: String(text.dropFirst("unix:".count)))
        } else if let listen = try? ListenAddress(text) {
            address = .loopback(host: listen.host, port: Int(listen.port))
        } else {
            throw Self.refused
        }
    }

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

    static func taken(_ text: String, _ error: VaultAPIError) -> CommandFailure {
        let reason = error.number == 0 ? "no such address" : SystemMessage.of(error.number)
        return CommandFailure(
            .cannotCreate, "cannot listen on \(text.printable), which --api says: \(reason)")
    }
}

/// What has to be open before `serve` says that it is ready: ends the stream when all of it is.
final class Openings: Sendable {
    private let left = Mutex(1)
    private let continuation: AsyncStream<Void>.Continuation

    /// - Parameter continuation: ended by as many `end` as there are `begin`, and one more.
    init(_ continuation: AsyncStream<Void>.Continuation) { self.continuation = continuation }

    func begin() { left.withLock { $0 += 1 } }

    func end() {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { continuation.finish() }
    }
}

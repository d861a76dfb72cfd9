// SPDX-License-Identifier: Apache-2.0

@testable import Simulation
@testable import TokenVault

/// Requests that wait until the test answers them.
final class HeldNetwork: Transport, @unchecked Sendable {
    /// One request, as it was handed over.
    struct Held {
        let request: TransportRequest
        /// The connection that it is of, and which of its tokens it presents.
        let connection: Int
        let serial: Int64
        /// Which client secret it shows.
        let secret: Int64
    }

    /// Whether the first byte leaves at once. Where not, a request can still be taken back.
    var sendsAtOnce = true
    /// All that was ever handed over, the oldest first.
    private(set) var all: [Held] = []
    private var isClosed = false

    /// What is not answered yet.
    var open: [Held] { all.filter { !$0.request.isAnswered } }

    func send(_ request: TransportRequest) {
        let form = TokenText.Form(TokenText.copy(request.body))
        guard !isClosed, !sendsAtOnce || request.markSent() else {
            _ = request.cancelIfUnsent()
            return
        }
        // Where there is no refresh token the access token is exchanged.
        let token = form.refresh ?? form.access
        all.append(
            Held(
                request: request, connection: token?.owner ?? -1, serial: token?.serial ?? 0,
                secret: form.secret?.serial ?? 0))
    }

    /// The last request of a connection that waits for its answer.
    func last(_ connection: Int) -> Held? { open.last { $0.connection == connection } }

    /// Takes nothing more; what was sent is lost.
    func close() {
        isClosed = true
        for held in open where !held.request.cancelIfUnsent() {
            held.request.answer(TransportReply(failure: .lost(curlCode: 0)))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// One connection of a browser to the loopback listener.
final class Visitor {
    /// How long the head of a request may take to arrive, in milliseconds.
    static let headMilliseconds: Int64 = 10_000

    let socket: Int32
    let deadline: Int64
    private var head: RequestHead

    init(_ socket: Int32) throws(VaultError) {
        self.socket = socket
        deadline = Deadline.after(milliseconds: Self.headMilliseconds)
        head = try RequestHead()
    }

    deinit { close(socket) }

    /// Takes what has arrived.
    func receive(path: String) throws -> RequestHead.Meaning {
        try head.receive(socket, path: path)
    }

    /// Answers with a page, best effort: the result is on the terminal too.
    func answer(_ page: LoopbackPage) {
        let bytes = Array(page.response.utf8)
        let flags = Int32(MSG_NOSIGNAL)
        _ = unsafe bytes.withUnsafeBytes {
            unsafe send(socket, $0.baseAddress, $0.count, flags)
        }
        shutdown(socket, Int32(SHUT_WR))
    }
}

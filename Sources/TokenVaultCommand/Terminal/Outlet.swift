// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// A descriptor that people or other programs read. Writes go past any buffer: a buffer would be
/// one more place where a token lies.
struct Outlet: Sendable {
    let descriptor: Int32

    static let output = Outlet(descriptor: STDOUT_FILENO)
    static let errors = Outlet(descriptor: STDERR_FILENO)

    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Whether colour is welcome (https://no-color.org).
    var hasColour: Bool {
        let refusal = unsafe getenv("NO_COLOR").map { unsafe String(cString: $0) } ?? ""
        let terminal = unsafe getenv("TERM").map { unsafe String(cString: $0) } ?? ""
        return isTerminal && refusal.isEmpty && terminal != "dumb"
    }

    /// One line of text. The caller has made it printable.
    func line(_ text: String) throws { try write(text + "\n") }

    /// Text. The caller has made it printable.
    func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        try unsafe bytes.withUnsafeBytes { try unsafe write($0) }
    }

    /// A secret and a line's end, straight from where it lies.
    func line(_ secret: borrowing Secret) throws {
        try unsafe secret.withUnsafeBytes { buffer throws(CommandFailure) in
            try unsafe write(buffer)
        }
        try line("")
    }

    private func write(_ buffer: UnsafeRawBufferPointer) throws(CommandFailure) {
        guard let base = buffer.baseAddress else { return }
        var done = 0
        while done < buffer.count {
            let put = unsafe Glibc.write(descriptor, base + done, buffer.count - done)
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else {
                throw CommandFailure(.inputOutput, "cannot write", errno: errno)
            }
            done += put
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// Asks at the controlling terminal, whatever stdin and stdout are.
struct Prompt: ~Copyable {
    private let terminal: Int32

    /// - Throws: `refused` where there is no terminal to ask at.
    init() throws(CommandFailure) {
        terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else {
            throw CommandFailure(.usage, "there is no terminal to ask at; see --help for others")
        }
    }

    deinit { close(terminal) }

    /// A line that is not shown while it is typed.
    func secret(_ question: String, what: String) throws -> Secret {
        let outlet = Outlet(descriptor: terminal)
        var before = termios()
        guard unsafe tcgetattr(terminal, &before) == 0 else {
            throw CommandFailure(.inputOutput, "the terminal cannot be asked", errno: errno)
        }
        // Byte by byte: a line that the kernel edits ends at 4,095 bytes, and a redirect URL may be
        // longer. No signals meanwhile: an interrupt must not leave the terminal without echo.
        var during = before
        during.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        guard unsafe tcsetattr(terminal, TCSAFLUSH, &during) == 0 else {
            throw CommandFailure(.inputOutput, "the terminal does not hide input", errno: errno)
        }
        defer {
            unsafe tcsetattr(terminal, TCSAFLUSH, &before)
            try? outlet.line("")
        }
        // Only now: what is typed before the echo is off would be flushed.
        try outlet.write(question)
        return try typed(what)
    }

    private func typed(_ what: String) throws -> Secret {
        var secret = try Secret(zeroes: SecretInput.bytesMax + 1)
        var count = 0
        while true {
            let got = SecretInput.receive(terminal, into: &secret, at: count, atMost: 1)
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { throw CommandFailure(.inputOutput, "\(what) was not given") }
            switch secret.bytes.byte(at: count) {
            case 0x0a, 0x0d:
                guard count > 0 else { throw CommandFailure(.badData, "\(what) is empty") }
                return try Secret(copying: secret.bytes.extracting(0..<count))
            case 0x03, 0x04, 0x1a, 0x1c:
                throw CommandFailure(.temporaryFailure, "cancelled")
            case 0x08, 0x7f:
                // A character, not only the last byte of one.
                while count > 0, secret.bytes.byte(at: count - 1) & 0xc0 == 0x80 { count -= 1 }
                count = max(0, count - 1)
            case 0x15: count = 0
            default: count += 1
            }
            guard count <= SecretInput.bytesMax else {
                throw CommandFailure(
                    .badData, "\(what) is longer than \(SecretInput.bytesMax) bytes")
            }
        }
    }

    /// Whether the answer to a question is yes.
    func agrees(_ question: String) throws -> Bool {
        try Outlet(descriptor: terminal).write("\(question) [y/N] ")
        var answer: [UInt8] = []
        while answer.count < 16 {
            var byte: UInt8 = 0
            let got = unsafe Glibc.read(terminal, &byte, 1)
            if got < 0 && errno == EINTR { continue }
            if got <= 0 || byte == UInt8(ascii: "\n") { break }
            answer.append(byte)
        }
        return ["y", "yes"].contains(String(decoding: answer, as: UTF8.self).lowercased())
    }
}

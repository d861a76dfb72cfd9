// SPDX-License-Identifier: Apache-2.0

private import CSpawn
package import Foundation
import Glibc
import Synchronization

/// One end of a pipe. Whatever is wrong with it is thrown: Foundation's `FileHandle` ends the
/// process.
package final class PipeEnd: Sendable {
    package struct Failed: Error, CustomStringConvertible {
        let verb: String
        let number: Int32

        package var description: String {
            unsafe "cannot \(verb) a pipe: \(String(cString: strerror(number)))"
        }
    }

    /// -1 once it is closed. Held while it is read or written, so that its number is nobody else's
    /// by then.
    private let descriptor: Mutex<Int32>

    private init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    deinit { close() }

    /// A pipe. A program that is started inherits it only where it is given it.
    package static func pair() throws -> (reading: PipeEnd, writing: PipeEnd) {
        var ends: [Int32] = [-1, -1]
        let failure = unsafe tv_pipe(&ends)
        guard failure == 0 else { throw Failed(verb: "make", number: failure) }
        return (PipeEnd(ends[0]), PipeEnd(ends[1]))
    }

    /// The descriptor; -1 where it is closed.
    package var number: Int32 { descriptor.withLock { $0 } }

    package func close() {
        descriptor.withLock { number in
            if number >= 0 { _ = Glibc.close(number) }
            number = -1
        }
    }

    /// What there is, up to `count` bytes. Waits for the first; nothing at the end.
    package func read(upTo count: Int = 1 << 16) throws -> Data {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = try descriptor.withLock { number in
            while true {
                let got = unsafe Glibc.read(number, &buffer, count)
                if got >= 0 { return got }
                if errno != EINTR { throw Failed(verb: "read", number: errno) }
            }
        }
        return Data(buffer[..<got])
    }

    /// All that comes until nobody has the other end.
    package func readToEnd() throws -> Data {
        var text = Data()
        while true {
            let part = try read()
            if part.isEmpty { return text }
            text += part
        }
    }

    /// The next line without its newline, or what there is before the end.
    package func readLine() throws -> String {
        var line = Data()
        while true {
            let byte = try read(upTo: 1)
            if byte.isEmpty || byte.first == UInt8(ascii: "\n") {
                return String(decoding: line, as: UTF8.self)
            }
            line += byte
        }
    }

    /// Writes all of it.
    ///
    /// - Throws: where nobody has the other end; SIGPIPE would end the process.
    package func write(_ text: String) throws {
        var pipeSignal = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&pipeSignal)
        unsafe sigaddset(&pipeSignal, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipeSignal, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        do {
            try descriptor.withLock { try Self.write(Array(text.utf8), to: $0) }
        } catch {
            // It is this thread's alone, and must not come once it is blocked no more.
            var noTime = timespec()
            _ = unsafe sigtimedwait(&pipeSignal, nil, &noTime)
            throw error
        }
    }

    private static func write(_ bytes: [UInt8], to number: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let put = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(number, bytes.baseAddress, bytes.count)
            }
            if put >= 0 {
                rest.removeFirst(put)
            } else if errno != EINTR {
                throw Failed(verb: "write to", number: errno)
            }
        }
    }
}

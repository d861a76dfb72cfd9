// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// Fresh tokens asked of `tokenvault serve` over its control socket, one connection a request,
/// while others wait for a provider that takes requests and answers none, and more say nothing.
struct ServedTokens {
    let home: String
    /// The command's executable, of this version or of another.
    let program: String
    let callers: Int
    let idle: Int
    let reads: Int

    /// The connections that the callers wait for.
    private static let staleConnections = 8
    /// For how long requests are made, in nanoseconds: fewer, where they take so long.
    private static let limit = 60e9
    /// For how long one answer is waited for, in seconds.
    private static let patience = 120

    /// The median of a request and the slowest one, in milliseconds; how many brought no token in
    /// the time that one is waited for; and how many callers and silent sockets the server let in.
    func measure() async throws -> String {
        signal(SIGPIPE, SIG_IGN)
        let population = Population(home: home)
        try population.create()
        let provider = try SilentProvider()
        defer { withExtendedLifetime(provider) {} }
        try await fill(population, provider.url)
        let server = try serve()
        defer { kill(server.processIdentifier, SIGKILL) }
        let socket = ControlAddress("\(home)/vault/control")
        let waiting = try (0..<callers).compactMap { number -> Int32? in
            try socket.connectAtOnce().map { descriptor in
                try socket.ask(1 + number % Self.staleConnections, descriptor)
                return descriptor
            }
        }
        let silent = try (0..<idle).compactMap { _ in try socket.connectAtOnce() }
        defer { for descriptor in waiting + silent { close(descriptor) } }
        var (times, answered) = ([Double](), 0)
        let start = Measurement.nanoseconds(CLOCK_MONOTONIC)
        var now = start
        while times.count < reads, now - start < Self.limit {
            if try socket.token(0, seconds: Self.patience) { answered += 1 }
            let end = Measurement.nanoseconds(CLOCK_MONOTONIC)
            times.append((end - now) / 1e6)
            now = end
        }
        let spread = Spread(times)
        return String(
            format: "%.3f %.3f %d %d %d", spread.median, spread.most, times.count - answered,
            waiting.count, silent.count)
    }

    /// One connection whose token lives, and others whose tokens do not.
    private func fill(_ population: Population, _ url: String) async throws {
        let vault = try await population.open()
        let application = try await population.register(
            in: vault, url: url, inFlight: Self.staleConnections)
        for number in 0...Self.staleConnections {
            let milliseconds = number == 0 ? Population.lifetimeMilliseconds : -1000
            try await Population.put(
                number, in: vault, application,
                expiry: Population.now().adding(milliseconds: milliseconds))
        }
        vault.close()
    }

    private func serve() throws -> Process {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = [
            "serve", "--vault", "\(home)/vault", "--key-file", "\(home)/root.key",
            "--allow-loopback-http",
        ]
        process.standardOutput = output
        try process.run()
        let line = output.fileHandleForReading.availableData
        guard String(decoding: line, as: UTF8.self).hasPrefix("ready") else {
            throw BenchmarkFailure("\(program) does not serve")
        }
        return process
    }
}

/// A port of this machine where whoever connects is let in, and nobody answers.
private final class SilentProvider {
    let url: String
    private let socket: Int32

    init() throws {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, length) == 0 && listen(descriptor, 1024) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        socket = descriptor
        guard isListening else {
            close(descriptor)
            throw BenchmarkFailure("no port for a provider")
        }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/token"
    }

    deinit { close(socket) }
}

/// A control socket: frames of a kind, a length of four bytes, and a request in JSON.
private struct ControlAddress {
    let path: String

    init(_ path: String) { self.path = path }

    /// For how long somebody tries to get in, in microseconds, and how often.
    private static let attemptsMax = 20
    private static let pauseMicroseconds: UInt32 = 1000

    /// A connection that does not wait; nil where the server takes nobody in.
    func connectAtOnce() throws -> Int32? {
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw BenchmarkFailure("no descriptor is left") }
        for _ in 0..<Self.attemptsMax {
            if connect(descriptor) { return descriptor }
            guard errno == EAGAIN else { break }
            usleep(Self.pauseMicroseconds)
        }
        close(descriptor)
        return nil
    }

    private func connect(_ descriptor: Int32) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
            unsafe field.copyBytes(from: path.utf8.prefix(field.count - 1))
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, length) == 0
            }
        }
    }

    /// Asks for a token.
    func ask(_ connection: Int, _ descriptor: Int32) throws {
        let id = try Population.id(connection)
        let text = "{\"token\":{\"id\":\"\(id)\",\"minimumSeconds\":0}}"
        let head = [0x4d, UInt8(text.utf8.count), 0, 0, 0]
        let bytes = head + Array(text.utf8) + [0x45, 0, 0, 0, 0]
        guard unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        else { throw BenchmarkFailure("the server takes no request") }
    }

    /// Asks for one and waits for it. False where it did not come in time.
    func token(_ connection: Int, seconds: Int) throws -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            let length = socklen_t(MemoryLayout<timeval>.size)
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, length)
        }
        guard connect(descriptor) else {
            guard errno == EAGAIN else { throw BenchmarkFailure("nobody is let in") }
            return false
        }
        try ask(connection, descriptor)
        var bytes = [UInt8](repeating: 0, count: 5 + Population.accessTokenBytes)
        var count = 0
        while count < bytes.count {
            let rest = bytes.count - count
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe recv(descriptor, buffer.baseAddress.map { unsafe $0 + count }, rest, 0)
            }
            if got < 0, errno == EAGAIN { return false }
            guard got > 0 else { throw BenchmarkFailure("no token comes") }
            count += got
        }
        guard bytes[0] == 0x53 else { throw BenchmarkFailure("no token came") }
        return true
    }
}

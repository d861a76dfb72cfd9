// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Glibc

extension ChildProcess {
    /// What a program wrote, and how it ended.
    package struct Report: Sendable {
        package let end: End
        package let output: Data
        package let errors: Data

        package var status: Int32 { end.status }
        package var text: String { String(decoding: output, as: UTF8.self) }
        package var complaint: String { String(decoding: errors, as: UTF8.self) }
    }

    /// How long one that is run to its end may take, in seconds, before it is killed.
    package static let secondsMax = 3600.0

    /// Runs a program to its end. It blocks the thread.
    ///
    /// - Parameter input: what its standard input has. A file: to write to a program that reads
    ///   nothing, and whose output nobody reads meanwhile, would never end.
    @available(*, noasync)
    package static func run(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        directory: String? = nil, input: String = "", secondsMax: Double = secondsMax
    ) throws -> Report {
        let file = FileManager.default.temporaryDirectory.path + "/input-\(UUID().uuidString)"
        defer { unsafe unlink(file) }
        if !input.isEmpty { try TestVault.write(Array(input.utf8), to: file, mode: 0o600) }
        let output = try PipeEnd.pair()
        let errors = try PipeEnd.pair()
        let process = try ChildProcess(
            program, arguments, environment: environment, directory: directory,
            input: input.isEmpty ? .nothing : .file(file), output: .pipe(output.writing),
            errors: .pipe(errors.writing))
        let limit = DispatchWorkItem { process.signal(SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + secondsMax, execute: limit)
        defer { limit.cancel() }
        let written = try readBoth(output.reading, errors.reading)
        return Report(end: process.wait(), output: written.0, errors: written.1)
    }

    /// Runs a program to its end.
    package static func run(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        directory: String? = nil, input: String = "", secondsMax: Double = secondsMax
    ) async throws -> Report {
        try await withCheckedThrowingContinuation { continuation in
            let work = { @Sendable in
                continuation.resume(
                    with: Result {
                        try run(
                            program, arguments, environment: environment, directory: directory,
                            input: input, secondsMax: secondsMax)
                    })
            }
            do {
                try DetachedThread.start(work)
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    /// What comes from both until their ends: who reads one alone may have a program wait that
    /// writes to the other.
    private static func readBoth(_ first: PipeEnd, _ second: PipeEnd) throws -> (Data, Data) {
        var texts = [Data(), Data()]
        var open = [first, second].map { pollfd(fd: $0.number, events: 0, revents: 0) }
        for index in open.indices { open[index].events = Int16(POLLIN) }
        while open.contains(where: { $0.fd >= 0 }) {
            let ready = unsafe poll(&open, nfds_t(open.count), -1)
            if ready < 0 && errno != EINTR { throw PipeEnd.Failed(verb: "await", number: errno) }
            for (index, end) in [first, second].enumerated() where ready > 0 {
                guard open[index].fd >= 0, open[index].revents != 0 else { continue }
                let part = try end.read()
                texts[index] += part
                if part.isEmpty { open[index].fd = -1 }
            }
        }
        return (texts[0], texts[1])
    }
}

// SPDX-License-Identifier: Apache-2.0

import CCrashPoints
import Foundation
import TestSupport

/// One life of the subject, from its start to the SIGKILL.
struct Victim {
    /// How it dies.
    enum Death {
        /// So long after it was ready.
        case after(microseconds: UInt32)
        /// In the operation after `skips` others of its kind, when so many of its durable writes
        /// are completed and the next is about to begin.
        case within(Journal.Kind, writes: Int, skips: Int)
    }

    /// Where it was hit.
    struct Wound: Hashable {
        let kind: Journal.Kind
        let writes: Int
    }

    let lines: [Substring]
    let wound: Wound
    /// False where it ended by itself.
    let wasKilled: Bool

    init(_ home: TestVault, _ server: PracticeServer, seed: UInt64, queues: Int, _ death: Death)
        throws
    {
        let progressPath = "\(home.path).progress"
        guard let progress = unsafe tv_progress_open(progressPath, 1) else {
            throw CocoaError(.fileWriteUnknown)
        }
        defer { unsafe tv_progress_close(progress) }
        if case .within(let kind, let writes, let skips) = death {
            unsafe progress.pointee.aim = kind.rawValue
            unsafe progress.pointee.aim_writes = UInt32(writes)
            unsafe progress.pointee.aim_skips = UInt32(skips)
        }
        let pipe = try PipeEnd.pair()
        let process = try ChildProcess(
            Built.product("crash-subject").path,
            environment: [
                "CRASH_SUBJECT_VAULT": home.path, "CRASH_SUBJECT_KEY": home.keyFile,
                "CRASH_SUBJECT_PROGRESS": progressPath,
                "CRASH_SUBJECT_PORT": "\(server.http.port)",
                "CRASH_SUBJECT_CONTROL_KEY": server.http.controlKey,
                "CRASH_SUBJECT_SEED": "\(seed >> 1)", "CRASH_SUBJECT_QUEUES": "\(queues)",
                "CRASH_SUBJECT_IDS": "\(Journal.ids)",
            ], output: .pipe(pipe.writing))
        var heard = Data()
        if case .after(let microseconds) = death {
            while !heard.contains(UInt8(ascii: "\n")) {
                let part = try pipe.reading.read()
                if part.isEmpty { break }
                heard += part
            }
            usleep(microseconds)
            process.signal(SIGKILL)
        }
        heard += try pipe.reading.readToEnd()
        wasKilled = process.wait().status < 0
        // What follows the last newline was cut off: it was never said.
        lines = String(decoding: heard, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { $0 }
        wound = unsafe Wound(
            kind: Journal.Kind(rawValue: progress.pointee.operation) ?? .idle,
            writes: Int(progress.pointee.writes))
    }
}

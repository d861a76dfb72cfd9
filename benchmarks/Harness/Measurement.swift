// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The time of one operation, in nanoseconds: CPU of the whole process, and wall.
struct Measurement: CustomStringConvertible {
    let cpu: Double
    let wall: Double

    /// As every measuring process prints it, the floors too.
    var description: String { String(format: "%.1f %.1f", cpu, wall) }

    init(cpu: Double, wall: Double) {
        self.cpu = cpu
        self.wall = wall
    }

    /// Times `body`, which does so many operations.
    init(of operations: Int, _ body: () async throws -> Void) async rethrows {
        let (cpuBefore, wallBefore) = (
            Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID), Self.nanoseconds(CLOCK_MONOTONIC)
        )
        try await body()
        cpu = (Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpuBefore) / Double(operations)
        wall = (Self.nanoseconds(CLOCK_MONOTONIC) - wallBefore) / Double(operations)
    }

    static func nanoseconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// A median and how far the repetitions lie apart.
struct Spread {
    let median: Double
    let least: Double
    let most: Double

    init(_ values: [Double]) {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        least = sorted[0]
        most = sorted[sorted.count - 1]
    }
}

/// The disk that the vaults lie on.
enum Disk {
    /// How long an overwrite of 4 KiB and its fdatasync take, in microseconds.
    static func synchronizationMedian(in home: String) throws -> Double {
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true)
        let file = unsafe open("\(home)/disk", O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw BenchmarkFailure("no file can be written in \(home)") }
        defer { close(file) }
        var page = [UInt8](repeating: 1, count: 4096)
        var times: [Double] = []
        for round in 0...200 {
            page[0] = UInt8(truncatingIfNeeded: round)
            let before = Measurement.nanoseconds(CLOCK_MONOTONIC)
            guard unsafe pwrite(file, page, page.count, 0) == page.count, fdatasync(file) == 0
            else { throw BenchmarkFailure("the disk takes no page") }
            // The first one makes the file.
            if round > 0 { times.append(Measurement.nanoseconds(CLOCK_MONOTONIC) - before) }
        }
        return Spread(times).median / 1e3
    }
}

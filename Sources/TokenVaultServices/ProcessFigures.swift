// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the kernel says of this process and of the disk, under the names that Prometheus's own
/// client libraries use.
enum ProcessFigures {
    static func add(to text: inout PrometheusText) {
        if let pages = residentPages() {
            text.add(
                "process_resident_memory_bytes", .gauge, "Resident memory.",
                pages * sysconf(Int32(_SC_PAGESIZE)))
        }
        if let count = openDescriptors() {
            text.add("process_open_fds", .gauge, "Open file descriptors.", count)
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            text.add(
                "process_max_fds", .gauge, "The most file descriptors that may be open.",
                UInt64(limit.rlim_cur))
        }
        var time = timespec()
        if unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 {
            text.add(
                "process_cpu_seconds_total", .counter, "Processor time used.",
                Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
        }
    }

    /// - Parameter path: of the vault's directory.
    static func addDisk(_ path: String, to text: inout PrometheusText) {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return }
        text.add(
            "tokenvault_disk_free_bytes", .gauge,
            "What is free for this user on the disk of the vault.", freeBytes(status))
    }

    /// A file system over a network may say anything.
    private static func freeBytes(_ status: statvfs) -> UInt64 {
        let (bytes, overflow) = UInt64(status.f_bavail)
            .multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? UInt64.max : bytes
    }

    private static func residentPages() -> Int? {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return nil }
        defer { unsafe fclose(file) }
        var line: [CChar] = Array(repeating: 0, count: 128)
        guard unsafe fgets(&line, Int32(line.count), file) != nil else { return nil }
        let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    private static func openDescriptors() -> Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        // The folder's own, `.` and `..` are among them.
        var count = -3
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }
}

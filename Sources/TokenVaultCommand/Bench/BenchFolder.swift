// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TokenVault

/// A folder on a real disk for as long as a benchmark runs, with a vault in it and its key.
struct BenchFolder: ~Copyable {
    private let path: String
    /// Such as `ext4`.
    let fileSystem: String

    /// Where a durable write costs nothing.
    private static let inMemory: Set = ["tmpfs", "ramfs", "devtmpfs"]

    /// Makes a folder in `parent`.
    ///
    /// - Throws: `usage` where that lies in memory.
    init(in parent: String) throws(CommandFailure) {
        let fileSystem = try Self.fileSystem(of: parent)
        guard !Self.inMemory.contains(fileSystem) else {
            throw CommandFailure(
                .usage,
                "\(parent) lies in memory (\(fileSystem)), where a durable write costs nothing: "
                    + "choose a folder on a disk with --directory")
        }
        var template = Array("\(parent)/tokenvault-bench-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw CommandFailure(.cannotCreate, "cannot make a folder in \(parent)", errno: errno)
        }
        let path = template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        self.init(path: String(decoding: path, as: UTF8.self), fileSystem: fileSystem)
    }

    private init(path: String, fileSystem: String) {
        self.path = path
        self.fileSystem = fileSystem
    }

    /// Removes the folder and all that is in it.
    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A new vault with a random key.
    func makeVault() throws -> Vault {
        let (vault, key) = ("\(path)/vault", "\(path)/root.key")
        try Self.makeKey(key)
        try Vault.create(at: vault, rootKey: .file(key))
        var settings = Vault.Settings()
        settings.allowsLoopbackHTTP = true
        return try Vault.open(at: vault, rootKey: .file(key), settings: settings)
    }

    private static func makeKey(_ path: String) throws {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o400)
        guard file >= 0 else {
            throw CommandFailure(.cannotCreate, "cannot make a key", errno: errno)
        }
        defer { close(file) }
        let key = try Secret(random: 32)
        let isWritten = unsafe key.withUnsafeBytes { buffer in
            unsafe write(file, buffer.baseAddress, buffer.count) == buffer.count
        }
        guard isWritten else { throw CommandFailure(.inputOutput, "cannot write", errno: errno) }
    }

    /// How long an overwrite of 4 KiB and its fdatasync take here, in microseconds: the median of
    /// 100.
    func syncMicroseconds() throws -> Int {
        let file = unsafe open("\(path)/disk", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw CommandFailure(.cannotCreate, "cannot make a file", errno: errno)
        }
        defer { close(file) }
        let page = [UInt8](repeating: 1, count: 4096)
        var times: [Double] = []
        for _ in 0...100 {
            let before = Stopwatch()
            guard unsafe pwrite(file, page, page.count, 0) == page.count, fdatasync(file) == 0
            else { throw CommandFailure(.inputOutput, "cannot write", errno: errno) }
            times.append(before.wall / 1e3)
        }
        // The first one makes the file.
        return Int(times.dropFirst().sorted()[50])
    }

    /// The kind of file system that a folder lies on, by the kernel's list of mounts (proc(5));
    /// `unknown` where it is not in it.
    private static func fileSystem(of folder: String) throws(CommandFailure) -> String {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else {
            throw CommandFailure(.missing, "\(folder) cannot be used", errno: errno)
        }
        let device = status.st_dev
        // As makedev(3) packs them.
        let major = (device >> 8) & 0xfff | (device >> 32) & 0xffff_f000
        let minor = device & 0xff | (device >> 12) & 0xffff_ff00
        let name = "\(major):\(minor)"
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2, words[2] == name, let dash = words.firstIndex(of: "-"),
                words.indices.contains(dash + 1)
            else { continue }
            return String(words[dash + 1])
        }
        return "unknown"
    }
}

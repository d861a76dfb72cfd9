// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
import Glibc

/// What the file system under a vault does with bytes that are overwritten in place.
struct ErasureQuality: Equatable {
    /// The file system's magic number (statfs(2)); 0 where there is none.
    let fileSystem: Int
    /// Whether an overwrite replaces the old bytes.
    let isInPlace: Bool

    /// ext2 to ext4, XFS, tmpfs: measured, they overwrite in place; a data journal does not.
    private static let inPlace: Set<Int> = [0xEF53, 0x5846_5342, 0x0102_1994]

    init(fileSystem: Int, isInPlace: Bool) {
        self.fileSystem = fileSystem
        self.isInPlace = isInPlace
    }

    init(_ path: String) {
        fileSystem = Int(unsafe tv_file_system(path))
        isInPlace = Self.inPlace.contains(fileSystem) && !Self.journalsData(path)
    }

    /// Whether any mount of the device below `path` keeps a journal of data.
    private static func journalsData(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return true }
        // The kernel's encoding of device numbers, as glibc's macros take it apart.
        let device = UInt64(status.st_dev)
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & ~0xff
        guard let file = unsafe fopen("/proc/self/mountinfo", "re") else { return false }
        defer { unsafe fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        while unsafe getline(&line, &capacity, file) > 0, let text = unsafe line {
            let fields = unsafe String(cString: text).split(separator: " ")
            if fields.count > 2, fields[2] == "\(major):\(minor)",
                fields.contains(where: { $0.contains("data=journal") })
            {
                return true
            }
        }
        return false
    }
}

// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import FoundationEssentials

extension CallbackFront.Logo {
    /// What a picture is, by how the name of its file ends.
    private static let typesByEnding = [
        ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
        ".webp": "image/webp",
    ]

    /// - Throws: `CommandFailure` that names the file.
    init(contentsOfFile path: String) throws(CommandFailure) {
        guard let type = Self.typesByEnding.first(where: { path.hasSuffix($0.key) })?.value else {
            throw CommandFailure(
                .misconfigured, "\(path) does not end in .svg, .png, .jpg, .jpeg or .webp")
        }
        try RegularFile.check(path)
        try RegularFile.checkReadable(path, bytesMax: Int64(Self.bytesMax))
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw CommandFailure(.inputOutput, "cannot read \(path)")
        }
        guard !bytes.isEmpty else { throw CommandFailure(.badData, "\(path) is empty") }
        self.init(bytes: bytes, type: type)
    }
}

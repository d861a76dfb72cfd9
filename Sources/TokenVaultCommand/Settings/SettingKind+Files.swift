// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import TokenVault

/// What a setting names that is no part of its file, and how it has to be.
enum NamedFile: Sendable {
    /// The vault's directory.
    case vault
    /// A root key: 32 bytes, ours alone.
    case key
    /// A secret: ours alone.
    case secret
    /// A regular file that may be anybody's.
    case regular(bytesMax: Int64)
    /// A picture that pages show.
    case picture

    var words: String {
        switch self {
        case .vault: "the path of a directory"
        case .key: "the path of a file of 32 bytes, yours, mode 0400 or 0600"
        case .secret: "the path of a file, yours, mode 0400 or 0600"
        case .regular: "the path of a file"
        case .picture: "the path of a file that ends in .svg, .png, .jpg, .jpeg or .webp"
        }
    }

    /// What is wrong with it; nil where nothing is.
    func fault(of path: String) -> String? {
        do {
            switch self {
            case .vault: _ = try VaultFolder(path)
            case .key:
                try RegularFile.checkKey(path)
                try RegularFile.checkReadable(path)
            case .secret: _ = try SecretFile.read(path)
            case .regular(let bytesMax):
                try RegularFile.check(path)
                try RegularFile.checkReadable(path, bytesMax: bytesMax)
            case .picture: _ = try CallbackFront.Logo(contentsOfFile: path)
            }
            return nil
        } catch {
            return CommandFailure(error)?.message ?? "cannot be used"
        }
    }
}

extension SettingKind where Value == String {
    /// The longest path, in bytes, as the system has it (PATH_MAX).
    private static var pathBytesMax: Int { 4095 }

    /// The path of something that has to be there; from the folder of the file where it is not
    /// absolute.
    static func path(_ file: NamedFile) -> Self {
        let plain = text(file.words) {
            (1...pathBytesMax).contains($0.utf8.count) && !$0.utf8.contains(0)
        }
        return Self(
            words: plain.words,
            read: { value, reading in
                plain.read(value, &reading).map { reading.absolute($0) }
            },
            show: plain.show, look: { file.fault(of: $0) })
    }
}

// SPDX-License-Identifier: Apache-2.0

import Glibc

extension YAMLMapping {
    /// Reads a file.
    ///
    /// - Throws: why it cannot be read, where it is not there with the number ENOENT; and where it
    ///   is no regular file, too long, or not UTF-8.
    package static func text(ofFile path: String) throws(DefinitionError) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw DefinitionError(file: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw DefinitionError(file: path, errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw DefinitionError(file: path, message: "no regular file")
        }
        // One byte more than is allowed shows that there is more.
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: fileBytesMax + 1) { buffer, count in
            while let base = buffer.baseAddress, count < buffer.count {
                let got = unsafe Glibc.read(descriptor, base + count, buffer.count - count)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { return }
                count += got
            }
        }
        guard failure == 0 else { throw DefinitionError(file: path, errno: failure) }
        guard bytes.count <= fileBytesMax else {
            throw DefinitionError(file: path, message: "longer than \(fileBytesMax) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DefinitionError(file: path, message: "not UTF-8")
        }
        return text
    }
}

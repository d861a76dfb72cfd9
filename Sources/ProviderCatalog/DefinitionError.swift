// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What is wrong with a provider definition, and where.
public struct DefinitionError: Error, Hashable, CustomStringConvertible {
    /// The file, as it was named.
    public let file: String
    /// The line, from 1; nil where the whole file is meant.
    public let line: Int?
    /// One line that says what is wrong. It may quote the file.
    public let message: String
    /// The errno where the file could not be read, else 0.
    public let number: Int32

    package init(file: String, line: Int? = nil, message: String) {
        (self.file, self.line, self.message, number) = (file, line, message, 0)
    }

    init(file: String, errno number: Int32) {
        (self.file, line, self.number) = (file, nil, number)
        message = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "errno \(number)"
    }

    /// `file:line: message`.
    public var description: String {
        line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
    }
}

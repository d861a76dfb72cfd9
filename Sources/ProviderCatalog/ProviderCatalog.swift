// SPDX-License-Identifier: Apache-2.0

import Glibc
public import TokenVault

/// Provider definitions as people write them: YAML, or JSON, which is YAML too.
///
/// ```yaml
/// name: example
/// authorization_endpoint: https://login.example.com/authorize
/// token_endpoint: https://login.example.com/token
/// revocation_endpoint: https://login.example.com/revoke
/// client_authentication: basic    # basic_raw, post, none, secret_as_user, bearer
/// authorization_parameters: { access_type: offline }
/// ```
///
/// A key that is not known is an error, never passed over: a misspelt `revocation_endpoint` would
/// otherwise be found out at the first disconnect.
public enum ProviderCatalog {
    /// The longest definition, in bytes.
    public static let fileBytesMax = 65_536

    /// The names of the providers that the catalog has, in order.
    public static let names = ShippedDefinition.all.map(\.name).sorted()

    /// The provider of a name; nil where the catalog has none.
    public static func entry(named name: String) throws(DefinitionError) -> CatalogEntry? {
        guard let text = text(named: name) else { return nil }
        return try entry(text: text, file: name)
    }

    /// The definition of a name as it was written, to begin one's own with.
    public static func text(named name: String) -> String? {
        ShippedDefinition.all.first { $0.name == name }
            .map { String(decoding: $0.bytes(), as: UTF8.self) }
    }

    /// Reads a definition from a file, and what it says about its facts.
    ///
    /// - Throws: what is wrong with it, and on which line.
    public static func entry(file path: String) throws(DefinitionError) -> CatalogEntry {
        try entry(text: read(path), file: path)
    }

    /// Reads a definition that may leave out what is known without it: from a file, or of the
    /// catalog.
    ///
    /// - Returns: nil where the catalog has none of this name.
    package static func entry(
        file path: String, isName: Bool, over base: Provider
    ) throws(DefinitionError) -> CatalogEntry? {
        guard let text = isName ? text(named: path) : try read(path) else { return nil }
        return try definition(text, file: path).entry(over: base)
    }

    /// The same from its text; `file` only names it in errors.
    package static func entry(
        text: String, file: String
    ) throws(DefinitionError) -> CatalogEntry {
        try definition(text, file: file).entry()
    }

    /// Reads a definition from a file.
    ///
    /// - Throws: what is wrong with it, and on which line.
    public static func load(_ path: String) throws(DefinitionError) -> Provider {
        try parse(read(path), file: path)
    }

    /// Reads a definition from its text; `file` only names it in errors.
    ///
    /// - Throws: what is wrong with it, and on which line.
    public static func parse(
        _ text: String, file: String = "definition"
    ) throws(DefinitionError) -> Provider {
        try definition(text, file: file).provider()
    }

    private static func definition(
        _ text: String, file: String
    ) throws(DefinitionError) -> Definition {
        guard text.utf8.count <= fileBytesMax else {
            throw DefinitionError(file: file, message: "longer than \(fileBytesMax) bytes")
        }
        // The mark that some editors put first; it is no part of the text.
        let mark: Unicode.Scalar = "\u{feff}"
        let isMarked = text.unicodeScalars.first == mark
        return try Definition(
            isMarked ? String(text.unicodeScalars.dropFirst()) : text, file: file)
    }

    /// `file:line` of a setting, for an error about what it says; `file` alone where that cannot be
    /// told.
    package static func place(of setting: String, in path: String) -> String {
        do throws(DefinitionError) {
            let line = try definition(read(path), file: path).line(of: setting)
            return line.map { "\(path):\($0)" } ?? path
        } catch {
            return path
        }
    }

    private static func read(_ path: String) throws(DefinitionError) -> String {
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

// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

/// The header fields of requests beside `Authorization`.
enum RequestHeaders {
    /// What every request has where its provider wants nothing else. curl decodes what comes
    /// compressed all the same.
    static let common = [
        Provider.Parameter("Accept", "application/json"),
        Provider.Parameter("Accept-Encoding", "identity"),
        Provider.Parameter("User-Agent", "TokenVault"),
    ]

    /// Those of a request; nil where they are those of every request, and a form's.
    ///
    /// - Parameters:
    ///   - added: each in place of a common one of its name.
    ///   - body: what the body is.
    static func list(
        _ added: [Provider.Parameter], _ body: Provider.RevocationRequest.Body
    ) -> HeaderList? {
        guard body != .form || !added.isEmpty else { return nil }
        return HeaderList(fields(added, body))
    }

    /// The same, name by name.
    static func fields(
        _ added: [Provider.Parameter], _ body: Provider.RevocationRequest.Body
    ) -> [Provider.Parameter] {
        let names = Set(added.map { $0.name.lowercased() })
        var fields = common.filter { !names.contains($0.name.lowercased()) } + added
        // Else curl says that it is a form; without a value it says nothing.
        switch body {
        case .form: break
        case .json: fields.append(Provider.Parameter("Content-Type", "application/json"))
        case .none: fields.append(Provider.Parameter("Content-Type", ""))
        }
        return fields
    }
}

/// Header fields, or other lines, as curl takes them, which has copied them: no secrets.
@safe
final class HeaderList: @unchecked Sendable {
    let first: UnsafeMutableRawPointer?
    /// How long they are in a request, in bytes.
    let byteCount: Int

    convenience init(_ fields: [Provider.Parameter]) {
        self.init(lines: fields.map { "\($0.name): \($0.value)" })
    }

    init(lines: [String]) {
        Curl.ready
        byteCount = lines.reduce(0) { $0 + $1.utf8.count + 2 }
        unsafe first = lines.reduce(nil) { list, line in unsafe tv_headers_add(list, line) }
    }

    deinit { unsafe tv_headers_free(first) }
}

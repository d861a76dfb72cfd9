// SPDX-License-Identifier: Apache-2.0

/// Where a value lies in an answer: the names of the members that lead to it, and the numbers of
/// elements, counted from 0, with dots between.
struct ReplyPath: Hashable, Sendable {
    let names: [String]

    /// The most names of a path.
    static let namesMax = 8
    /// The longest path, in bytes.
    static let bytesMax = 256

    /// What a path is, in words.
    static let words =
        "a path such as data.access_token or items.0.id, at most \(namesMax) names and "
        + "\(bytesMax) bytes of ASCII"

    /// Nil where it is none.
    init?(_ text: String) {
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard (1...Self.namesMax).contains(names.count), text.utf8.count <= Self.bytesMax,
            names.allSatisfy({ !$0.isEmpty }),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
            // What other notations of a path have; taken for names they would never be found.
            !text.utf8.contains(where: "*[]'\"".utf8.contains), names[0] != "$"
        else { return nil }
        self.names = names
    }

    /// Names of members that are secrets, in small letters and without what stands between words.
    private static let secrets: Set<String> = [
        "accesstoken", "refreshtoken", "idtoken", "clientsecret", "devicesecret",
    ]

    /// Whether the value is a secret, by its name.
    var namesSecret: Bool {
        Self.secrets.contains(
            (names.last ?? "").lowercased().filter { $0 != "_" && $0 != "-" })
    }
}

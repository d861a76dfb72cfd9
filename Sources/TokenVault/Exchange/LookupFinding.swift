// SPDX-License-Identifier: Apache-2.0

/// What a look-up has brought; no secret.
package struct LookupFinding: Sendable, Equatable {
    /// By their names in the definition; those that were not there are left out.
    package var values: [String: String] = [:]
    /// Whose account it is.
    package var account: String?

    /// Nil where there is no answer, or it is no success. Its body is wiped.
    init?(_ reply: consuming TransportReply, _ lookup: Provider.Lookup) {
        guard reply.failure == nil, (200..<300).contains(reply.status),
            let body = reply.body.take()
        else { return nil }
        for value in lookup.values {
            let text = Self.text(at: value.value, in: body, Provider.Lookup.valueBytesMax)
            if let text { values[value.name] = text }
        }
        if !lookup.account.isEmpty {
            account = Self.text(at: lookup.account, in: body, Provider.Lookup.accountBytesMax)
        }
    }

    /// Nil where it is too long, or has control characters.
    private static func text(
        at path: String, in body: borrowing Secret, _ byteCountMax: Int
    ) -> String? {
        guard let text = ReplyPath(path)?.text(in: body.bytes),
            Name.isWellFormed(text, byteCountMax: byteCountMax)
        else { return nil }
        return text
    }
}

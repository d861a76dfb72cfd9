// SPDX-License-Identifier: Apache-2.0

// What a callback brings beside the code: values of the provider's variables, and what is kept.
extension Callback {
    /// The longest value that is kept, in bytes.
    static let valueBytesMax = 1024

    /// What a callback says of the connection.
    struct Values {
        /// Values of variables.
        var variables: [String: String] = [:]
        /// What is kept with the tokens.
        var captured: [String: String] = [:]
    }

    /// The values that a provider's definition takes from a query which was parsed before.
    ///
    /// - Throws: `callbackRejected` where one is twice, is malformed, or is not what its variable
    ///   may be.
    static func values(
        for provider: Provider, in query: RawSpan
    ) throws(VaultError) -> Values {
        var values = Values()
        let variables = provider.variables.compactMapValues(\.callbackParameter)
        let captured = provider.capturedFromCallback
        guard !variables.isEmpty || !captured.isEmpty else { return values }
        let found = try texts(of: Set(variables.values).union(captured.values), in: query)
        values.variables = variables.compactMapValues { found[$0] }
        values.captured = captured.compactMapValues { found[$0] }
        do throws(TemplateFault) {
            try provider.checkGiven(values.variables)
        } catch {
            throw VaultError(error, .callbackRejected)
        }
        return values
    }

    private static func texts(
        of names: Set<String>, in query: RawSpan
    ) throws(VaultError) -> [String: String] {
        var found: [String: String] = [:]
        var start = 0
        for end in 0...query.byteCount
        where end == query.byteCount || query.byte(at: end) == UInt8(ascii: "&") {
            let parameter = query.extracting(start..<end)
            start = end + 1
            var separator = 0
            while separator < parameter.byteCount,
                parameter.byte(at: separator) != UInt8(ascii: "=")
            { separator += 1 }
            let name = parameter.extracting(0..<separator)
            guard separator < parameter.byteCount, let known = name.publicText,
                names.contains(known)
            else { continue }
            let raw = parameter.extracting(separator + 1..<parameter.byteCount)
            guard found[known] == nil else { throw rejected(.parameterTwice) }
            let value = try decoded(raw)
            guard value.count <= valueBytesMax, let text = value.bytes.publicText,
                Name.isWellFormed(text, byteCountMax: valueBytesMax)
            else { throw malformed }
            found[known] = text
        }
        return found
    }
}

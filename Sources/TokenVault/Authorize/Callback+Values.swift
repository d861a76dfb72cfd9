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
        try split(query) { (name, raw) throws(VaultError) in
            guard let known = name.publicText, names.contains(known) else { return }
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

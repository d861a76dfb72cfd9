// SPDX-License-Identifier: Apache-2.0

/// What is a connection's own, as its record has it. Its secret is wiped with the last reference.
final class OwnSettings: Sendable {
    /// Values of variables that the application's do not hold for.
    let values: [String: String]
    /// The client id, where it is not the application's.
    let clientID: String?
    let clientSecret: Secret?
    let hiddenNames: [String]

    init(
        values: [String: String], clientID: String?, clientSecret: consuming Secret?,
        hiddenNames: [String]
    ) {
        self.values = values
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.hiddenNames = hiddenNames
    }

    /// How long all of it is, in bytes.
    var byteCount: Int {
        var count = (clientID?.utf8.count ?? 0) + hiddenNames.reduce(0) { $0 + $1.utf8.count }
        for (name, value) in values { count += name.utf8.count + value.utf8.count }
        switch clientSecret {
        case .none: break
        case .some(let secret): count += secret.count
        }
        return count
    }

    /// How many fields it takes.
    var fieldCount: Int { values.count + hiddenNames.count + 2 }

    /// Further values, which come before those that are there.
    static func adding(
        _ values: [String: String], to own: OwnSettings?
    ) throws(VaultError) -> OwnSettings {
        OwnSettings(
            values: (own?.values ?? [:]).merging(values) { $1 }, clientID: own?.clientID,
            clientSecret: try own?.copiedSecret(), hiddenNames: own?.hiddenNames ?? [])
    }

    func copiedSecret() throws(VaultError) -> Secret? { try Self.copy(of: clientSecret) }

    static func copy(of secret: borrowing Secret?) throws(VaultError) -> Secret? {
        switch secret {
        case .none: nil
        case .some(let secret): try secret.copy()
        }
    }
}

extension Application {
    /// As the provider of one connection sees it: the endpoints with its values in them, and its
    /// own client where it has one. Where nothing is a connection's own, and nothing is left open,
    /// it is what it is.
    ///
    /// - Throws: `endpointRefused` where a value is missing, or is not what it may be.
    consuming func filled(
        for own: OwnSettings?, awaitsCallback: Bool = false
    ) throws(VaultError) -> Application {
        guard own != nil || !provider.variables.isEmpty else { return self }
        var application = self
        do throws(TemplateFault) {
            let values = application.values.merging(own?.values ?? [:]) { $1 }
            application.provider = try application.provider.filled(
                with: values, awaitsCallback: awaitsCallback)
            application.values = values
        } catch {
            throw VaultError(error, .endpointRefused)
        }
        if let own, let clientID = own.clientID {
            application.clientID = clientID
            application.clientSecret = try own.copiedSecret()
        }
        return application
    }
}

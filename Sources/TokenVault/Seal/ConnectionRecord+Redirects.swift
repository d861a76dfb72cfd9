// SPDX-License-Identifier: Apache-2.0

// What connecting again needs and the platform does not have to give again: where flows end, and
// the scopes that are asked for instead of the application's.
extension ConnectionRecord {
    /// Nil where flows end on the front's own pages.
    var redirects: Redirects? {
        let success = fields.text(ConnectionTag.successRedirect)
        let failure = fields.text(ConnectionTag.failureRedirect)
        let parameters = fields.ranges(ConnectionTag.redirectParameter).compactMap {
            fields.pair($0)
        }
        guard success != nil || failure != nil || !parameters.isEmpty else { return nil }
        return Redirects(
            success: success, failure: failure,
            parameters: parameters.isEmpty ? nil : RedirectParameters(kept: parameters),
            failureCarriesError: fields.has(ConnectionTag.failureCarriesError))
    }

    mutating func set(_ redirects: Redirects) throws(VaultError) {
        try fields.set(ConnectionTag.successRedirect, text: redirects.success)
        try fields.set(ConnectionTag.failureRedirect, text: redirects.failure)
        let parameters = redirects.parameters?.all ?? []
        if parameters.isEmpty {
            try fields.set(ConnectionTag.redirectParameter, nil)
        } else {
            try fields.set(
                ConnectionTag.redirectParameter,
                pairs: parameters.map { (name: $0.name, value: $0.value) })
        }
        if redirects.failureCarriesError {
            try fields.set(ConnectionTag.failureCarriesError, integer: UInt8(1))
        } else {
            try fields.set(ConnectionTag.failureCarriesError, nil)
        }
    }

    /// What is asked for instead of the application's scopes; nil where that is.
    var scopeOverride: [String]? { texts(ConnectionTag.scopeOverride) }
    /// The same of its user scopes.
    var userScopeOverride: [String]? { texts(ConnectionTag.userScopeOverride) }

    private func texts(_ tag: UInt16) -> [String]? {
        fields.has(tag) ? fields.texts(tag) : nil
    }

    /// - Parameters:
    ///   - scopes: nil leaves them as they are, none at all makes them the application's.
    ///   - userScopes: the same.
    mutating func set(scopes: [String]?, userScopes: [String]?) throws(VaultError) {
        for (tag, scopes) in [
            (ConnectionTag.scopeOverride, scopes), (ConnectionTag.userScopeOverride, userScopes),
        ] {
            guard let scopes else { continue }
            if scopes.isEmpty {
                try fields.set(tag, nil)
            } else {
                try fields.set(tag, texts: scopes)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

// What settings of requests say together: in no message may a name occur twice (RFC 6749 sections
// 3.1 and 3.2), or say what the flow itself says.
extension Provider {
    /// - Throws: the first that is wrong: which one, what it is, and what would do.
    func checkRequests() throws(SettingError) {
        try Self.check("authorization_parameter_names", authorizationParameterNames, .authorization)
        try Self.check("token_parameter_names", tokenParameterNames, .token)
        try Self.check("callback_parameter_names", callbackParameterNames, .callback)
        try checkAuthorizationRequest()
        try checkTokenRequests()
        try checkGrantTypes()
        for name in TextEncoding.queryNames(revocationEndpoint ?? "") {
            guard reservedTokenParameters.contains(name) else { continue }
            throw Self.inQuery("revocation_endpoint", name, "is set by the request itself")
        }
    }

    /// Names that a parameter added to token requests cannot have.
    var reservedTokenParameters: Set<String> {
        // Nearly always, and asked for with every set of credentials.
        if tokenParameterNames.isEmpty { return Self.reservedTokenParameters }
        return StandardParameters.token.reserved(tokenParameterNames)
    }

    /// No two parameters of one message may have one name.
    private static func check(
        _ setting: String, _ names: ParameterNames, _ standard: StandardParameters
    ) throws(SettingError) {
        for message in standard.messages {
            var seen: Set<String> = []
            for name in message.compactMap({ names[$0] }) where !seen.insert(name).inserted {
                throw SettingError(
                    setting: setting, value: "\"\(name)\"", wanted: "give each a name of its own",
                    problem: "is the name of two parameters of one message", line: nil)
            }
        }
    }

    private func checkAuthorizationRequest() throws(SettingError) {
        let reserved = StandardParameters.authorization.reserved(authorizationParameterNames)
        var seen: [String: String] = [:]
        let single = [
            ("user_scope_parameter", userScopeParameter), ("nonce_parameter", nonceParameter),
        ]
        for (setting, name) in single {
            guard let name else { continue }
            try Self.add(name, setting, reserved, &seen)
        }
        for parameter in authorizationParameters {
            try Self.add(parameter.name, "authorization_parameters", reserved, &seen)
        }
        let endpoint = "authorization_endpoint"
        guard let question = authorizationEndpoint.firstIndex(of: "?") else { return }
        for parameter in authorizationEndpoint[question...].dropFirst().split(separator: "&") {
            let name = String(parameter.prefix { $0 != "=" })
            if reserved.contains(name) {
                throw Self.inQuery(endpoint, name, "is set by the flow itself")
            }
            if let other = seen.updateValue(endpoint, forKey: name) {
                let isTwice = other == endpoint
                throw Self.inQuery(
                    endpoint, name, isTwice ? "is there twice" : "is among \(other), too")
            }
            // None of those that are sent needs an escape.
            if name.contains("%") {
                throw Self.inQuery(endpoint, name, "is written with an escape")
            }
        }
    }

    private func checkTokenRequests() throws(SettingError) {
        let reserved = reservedTokenParameters
        var both: [String: String] = [:]
        for parameter in tokenParameters {
            try Self.add(parameter.name, "token_parameters", reserved, &both)
        }
        var exchange = both
        for parameter in exchangeParameters {
            try Self.add(parameter.name, "exchange_parameters", reserved, &exchange)
        }
        var refresh = both
        for parameter in refreshParameters {
            try Self.add(parameter.name, "refresh_parameters", reserved, &refresh)
        }
        if case .exchange(_, let parameter) = refreshGrant {
            if let other = refresh[parameter] {
                throw SettingError(
                    setting: "refresh_grant", value: "\"\(parameter)\"",
                    wanted: "take it out of one of them", problem: "is among \(other), too",
                    line: nil)
            }
            if reserved.contains(parameter) {
                throw SettingError(
                    setting: "refresh_grant", value: "\"\(parameter)\"",
                    wanted: "a parameter that can carry an access token", line: nil)
            }
            refresh[parameter] = "refresh_grant"
        }
        for (setting, endpoint) in [
            ("token_endpoint", tokenEndpoint), ("refresh_endpoint", refreshEndpoint ?? ""),
        ] {
            // Where both go to one endpoint, its query meets both.
            let met = setting == "refresh_endpoint" ? [refresh] : [exchange, refresh]
            for name in TextEncoding.queryNames(endpoint) {
                if reserved.contains(name) {
                    throw Self.inQuery(setting, name, "is set by the request itself")
                }
                for added in refreshEndpoint == nil ? met : Array(met.prefix(1)) {
                    guard let other = added[name] else { continue }
                    throw Self.inQuery(
                        setting, name,
                        other == "refresh_grant"
                            ? "is what refresh_grant presents the token in"
                            : "is among \(other), too")
                }
            }
        }
    }

    /// A grant type that the definition gives itself must not bring tokens of somebody else, nor be
    /// the other request's.
    private func checkGrantTypes() throws(SettingError) {
        let foreign: Set = ["password", "client_credentials"]
        for (setting, parameters, wrong) in [
            ("token_parameters", tokenParameters, foreign),
            ("exchange_parameters", exchangeParameters, foreign.union(["refresh_token"])),
            ("refresh_parameters", refreshParameters, foreign.union(["authorization_code"])),
        ] {
            for parameter in parameters
            where parameter.name == "grant_type" && wrong.contains(parameter.value) {
                throw SettingError(
                    setting: setting, value: "\"\(parameter.value)\"",
                    wanted: "the grant type of this request, as the provider has it", line: nil)
            }
        }
    }

    /// Notes that a setting adds a parameter.
    private static func add(
        _ name: String, _ setting: String, _ reserved: Set<String>, _ seen: inout [String: String]
    ) throws(SettingError) {
        guard !reserved.contains(name) else {
            throw SettingError(
                setting: setting, value: "\"\(name)\"", wanted: "leave it out",
                problem: "is set by the flow itself", line: nil)
        }
        guard let other = seen.updateValue(setting, forKey: name) else { return }
        throw SettingError(
            setting: setting, value: "\"\(name)\"", wanted: "take it out of one of them",
            problem: other == setting ? "is there twice" : "is among \(other), too", line: nil)
    }

    private static func inQuery(
        _ setting: String, _ name: String, _ problem: String
    ) -> SettingError {
        SettingError(
            setting: setting, value: "\"\(name)\" in its query",
            wanted: "take it out of the query", problem: problem, line: nil)
    }
}

// SPDX-License-Identifier: Apache-2.0

// The settings of device authorization.
extension ProviderSetting {
    static let devices: [ProviderSetting] = [
        ProviderSetting(
            "device_authorization_endpoint", 75, optional: \.deviceAuthorizationEndpoint, .url,
            "Where a code is asked for that the user types elsewhere (RFC 8628 section 3.1)."),
        ProviderSetting(
            "device_authorization", 76, optional: \.deviceAuthorization, .deviceGrant,
            "How that works where it is not as RFC 8628 has it: see below."),
    ]
}

extension SettingForm where Value == Provider.DeviceGrant {
    /// How device authorization works.
    static var deviceGrant: Self {
        .object(
            of: members, empty: Value(),
            words: "an object with " + members.map(\.name).joined(separator: ", "),
            conflict: conflict)
    }

    private static var members: [ObjectMember<Value>] {
        [
            .word("authentication", \.authentication, default: .client),
            .parameters(
                "parameters", \.parameters,
                .parameters(valueBytesMax: Provider.tokenParameterValueBytesMax)),
            .text(
                "grant_type", \.grantType, default: Value.grantTypeDefault,
                .text(byteCountMax: Provider.parameterNameBytesMax)),
            .text(
                "code_parameter", \.codeParameter, default: Value.codeParameterDefault,
                .text(byteCountMax: Provider.parameterNameBytesMax)),
            .lifetime("lifetime_seconds", \.lifetimeSeconds),
        ]
    }

    private static func conflict(_ grant: Value) -> ObjectConflict? {
        let foreign: Set = [
            "password", "client_credentials", "refresh_token", "authorization_code",
        ]
        if foreign.contains(grant.grantType) {
            return ObjectConflict(
                member: "grant_type", value: "\"\(grant.grantType)\"",
                wanted: "write the one of the device flow", problem: "is another grant's")
        }
        if Value.pollParameters.contains(grant.codeParameter) {
            return ObjectConflict(
                member: "code_parameter", value: "\"\(grant.codeParameter)\"",
                wanted: "name the one that has the device code",
                problem: "is set by the flow itself")
        }
        let added = grant.parameters.map(\.name)
        guard let name = added.first(where: Value.reservedParameters.contains) else { return nil }
        return ObjectConflict(
            member: "parameters", value: "\"\(name)\"", wanted: "leave it out",
            problem: "is set by the flow itself")
    }
}

extension ObjectMember where Value == Provider.DeviceGrant {
    /// A number of seconds; 0 where nothing is said.
    fileprivate static func lifetime(_ name: String, _ path: Path<Int64>) -> Self {
        let form = SettingForm<Int64>.seconds(1...Value.lifetimeSecondsMax)
        return Self(
            name: name,
            read: { whole, value throws(SettingError) in
                whole[keyPath: path] = try form.read(value)
            },
            show: { $0[keyPath: path] == 0 ? nil : .number($0[keyPath: path]) },
            store: { $0[keyPath: path] == 0 ? [] : [("", "\($0[keyPath: path])")] },
            restore: { whole, suffix, text in
                guard suffix.isEmpty, let seconds = Int64(text) else { return false }
                whole[keyPath: path] = seconds
                return true
            })
    }
}

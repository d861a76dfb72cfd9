// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// How device authorization works where that is not as RFC 8628 has it.
    ///
    /// What needs no setting: `verification_url` is taken for `verification_uri`, as Google writes
    /// it, and `authorization_declined` for `access_denied`, as Microsoft does; an `error` counts
    /// in an answer of status 200 too, and answers may be forms, as GitHub's are.
    public struct DeviceGrant: Hashable, Sendable {
        /// Who the device authorization request says that it comes from. Polls are token requests,
        /// and authenticate as those do.
        @nonexhaustive
        public enum Authentication: String, Sendable, CaseIterable {
            /// As at the token endpoint: `clientAuthentication`.
            case client
            /// `client_id` alone: GitHub and Google.
            case none
        }

        /// Who the device authorization request says that it comes from.
        public var authentication = Authentication.client
        /// Added to the device authorization request, such as Auth0's `audience`.
        public var parameters: [Parameter] = []
        /// The `grant_type` of a poll; 1 to 64 bytes. Salesforce has `device`.
        public var grantType = Self.grantTypeDefault
        /// The parameter of a poll that has the device code; 1 to 64 bytes. Salesforce has `code`.
        public var codeParameter = Self.codeParameterDefault
        /// How long a code lives where the answer does not say, in seconds, 1 to 3,600; 0 where
        /// such an answer is refused.
        public var lifetimeSeconds: Int64 = 0

        /// As RFC 8628 has it.
        public init() {}

        static let grantTypeDefault = "urn:ietf:params:oauth:grant-type:device_code"
        static let codeParameterDefault = "device_code"
        /// The longest life of a code that is waited for, in seconds.
        static let lifetimeSecondsMax: Int64 = 3600
        /// What the device authorization request sets itself, or nobody may add.
        static let reservedParameters: Set<String> = [
            "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope",
        ]
        /// What a poll sets itself beside the code.
        static let pollParameters: Set<String> = [
            "grant_type", "client_id", "client_secret", "client_assertion",
            "client_assertion_type",
        ]
    }

    /// How it works, whatever is said of it.
    var deviceGrant: DeviceGrant { deviceAuthorization ?? DeviceGrant() }

    /// Checks what the settings of device authorization say together.
    ///
    /// - Throws: the first that contradicts another.
    func checkDeviceGrant() throws(SettingError) {
        guard let deviceAuthorization else { return }
        guard let endpoint = deviceAuthorizationEndpoint else {
            throw SettingError(
                setting: "device_authorization", value: "an object",
                wanted: "say where codes are asked for",
                problem: "goes with no device_authorization_endpoint", line: nil)
        }
        let added = deviceAuthorization.parameters.map(\.name)
        let reserved = DeviceGrant.reservedParameters.union(added)
        if let name = TextEncoding.queryNames(endpoint).first(where: reserved.contains) {
            throw SettingError(
                setting: "device_authorization_endpoint", value: "\"\(name)\" in its query",
                wanted: "take it out of the query", problem: "is set by the request itself",
                line: nil)
        }
        let code = deviceAuthorization.codeParameter
        if tokenParameters.contains(where: { $0.name == code }) {
            throw SettingError(
                setting: "device_authorization", value: "code_parameter: \"\(code)\"",
                wanted: "take it out of one of them", problem: "is among token_parameters, too",
                line: nil)
        }
    }
}

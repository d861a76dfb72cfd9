// SPDX-License-Identifier: Apache-2.0

/// Which setting, endpoint or file a failure is about. The numbers lie in logs and records; at most
/// 31.
package enum FailureSubject: UInt8, Hashable, Sendable, CaseIterable {
    case authorizationEndpoint = 1
    case tokenEndpoint = 2
    case revocationEndpoint = 3
    case redirectURI = 4
    case scope = 5
    case scopes = 6
    case clientID = 7
    case clientSecret = 8
    case connectionID = 9
    case applicationID = 10
    case directory = 11
    case databaseDirectory = 12
    case lockFile = 13
    case headerFile = 14
    case slotsFile = 15
    case databaseFile = 16
    case setting = 17
    case generation = 18
    case code = 19
    case accessToken = 20
    case refreshEndpoint = 21
    case nat64Prefix = 22
    case allowedNetwork = 23
    case variable = 24
    case hiddenNames = 25
    case resolve = 26
    case signingKey = 27
    /// What a client asked for by itself.
    case clientCredentials = 28
    case proxy = 29
    case deviceAuthorizationEndpoint = 30
    case deviceCode = 31

    /// As definitions, the command line and the vault's directory call it.
    package var name: String {
        switch self {
        case .authorizationEndpoint: "authorization_endpoint"
        case .tokenEndpoint: "token_endpoint"
        case .revocationEndpoint: "revocation_endpoint"
        case .redirectURI: "redirect URI"
        case .scope: "scope"
        case .scopes: "scopes"
        case .clientID: "client id"
        case .clientSecret: "client secret"
        case .connectionID: "connection id"
        case .applicationID: "application id"
        case .directory: "directory"
        case .databaseDirectory: "db"
        case .lockFile: "LOCK"
        case .headerFile: "HEADER"
        case .slotsFile: "SLOTS"
        case .databaseFile: "db/data.mdb"
        case .setting: "setting"
        case .generation: "generation"
        case .code: "authorization code"
        case .accessToken: "access token"
        case .refreshEndpoint: "refresh_endpoint"
        case .variable: "variable"
        case .hiddenNames: "hidden names"
        case .resolve: "resolve"
        case .signingKey: "signing key"
        case .clientCredentials: "client credentials"
        case .proxy: "proxy"
        case .nat64Prefix: "NAT64 prefix"
        case .allowedNetwork: "allowed network"
        case .deviceAuthorizationEndpoint: "device_authorization_endpoint"
        case .deviceCode: "device code"
        }
    }
}

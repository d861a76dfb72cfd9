// SPDX-License-Identifier: Apache-2.0

// Tags of the fields, as `RecordFormat` numbers them.

/// Fields of a connection.
enum ConnectionTag {
    static let id: UInt16 = 1
    static let state: UInt16 = 2
    static let accessToken: UInt16 = 3
    static let refreshToken: UInt16 = 4
    static let tokenType: UInt16 = 5
    static let grantedScope: UInt16 = 6
    static let requestedScope: UInt16 = 7
    static let accessTokenExpiry: UInt16 = 8
    static let expirySource: UInt16 = 9
    static let refreshTokenExpiry: UInt16 = 10
    static let application: UInt16 = 11
    static let created: UInt16 = 12
    static let connected: UInt16 = 13
    static let refreshed: UInt16 = 14
    static let used: UInt16 = 15
    static let failure: UInt16 = 16
    static let refreshCount: UInt16 = 17
    static let successRedirect: UInt16 = 22
    static let failureRedirect: UInt16 = 23
    static let redirectParameter: UInt16 = 24
    static let scopeOverride: UInt16 = 28
    static let unreadReply: UInt16 = 29
    static let requestStart: UInt16 = 30
    static let tokensSince: UInt16 = 31
    static let unreadRequestStart: UInt16 = 32
    static let retriesUnread: UInt16 = 33
    static let refusal: UInt16 = 36
    static let failureSince: UInt16 = 37
    static let earlierGrants: UInt16 = 38
    static let isExchanged: UInt16 = 39
    static let trouble: UInt16 = 40
    static let troubleSince: UInt16 = 41
    static let useFailure: UInt16 = 42
    static let pauseEnd: UInt16 = 43
    static let captured: UInt16 = 44
    static let values: UInt16 = 45
    static let ownClientID: UInt16 = 46
    static let ownClientSecret: UInt16 = 47
    static let hidden: UInt16 = 48
    static let account: UInt16 = 50
    static let grant: UInt16 = 51
    static let subject: UInt16 = 52
    static let userScopeOverride: UInt16 = 53
    static let failureCarriesError: UInt16 = 54
    static let earlierAccount: UInt16 = 57
    static let endTold: UInt16 = 59

    /// The tokens: what a refresh replaces.
    static let tokens = accessToken...refreshToken
}

/// Where a connection stands.
enum ConnectionState: UInt8 {
    /// Set up, but nobody has completed its flow.
    case configured = 1
    case active = 2
    /// Red: the provider ended the grant, or the token expired and nothing can renew it.
    case failed = 3
    case disconnecting = 4

    /// Why its token can neither be lent nor refreshed, where that is so.
    var refusal: VaultError.Code? {
        switch self {
        case .configured: .notConnected
        case .active: nil
        case .failed: .grantLost
        case .disconnecting: .disconnecting
        }
    }
}

/// Fields of an application; those of its provider are numbered by `ProviderSetting`.
enum ApplicationTag {
    static let id: UInt16 = 1
    static let clientID: UInt16 = 14
    static let clientSecret: UInt16 = 15
    static let redirectURI: UInt16 = 16
    static let scope: UInt16 = 17
    static let applicationLifetime: UInt16 = 18
    // What follows is no setting: settings have the numbers before.
    static let changedSince: UInt16 = 256
    static let change: UInt16 = 257
    static let userScope: UInt16 = 258
    static let values: UInt16 = 259
    static let privateKey: UInt16 = 260
    static let keyID: UInt16 = 261
    static let keyAlgorithm: UInt16 = 262
    static let discovered: UInt16 = 264
    static let discoveryDocument: UInt16 = 265
    static let discoveredSetting: UInt16 = 266
    static let refusesOtherAccount: UInt16 = 267

    static let all = [
        id, clientID, clientSecret, redirectURI, scope, applicationLifetime, changedSince, change,
        userScope, values, privateKey, keyID, keyAlgorithm, discovered, discoveryDocument,
        discoveredSetting, refusesOtherAccount,
    ]
}

/// Fields of a key of the JSON API.
enum APIKeyTag {
    static let id: UInt16 = 1
    static let name: UInt16 = 2
    static let hash: UInt16 = 3
    static let scope: UInt16 = 4
    static let connections: UInt16 = 5
    static let created: UInt16 = 6
    static let expires: UInt16 = 7
}

/// Fields of a pending authorization, and of a link that starts one.
enum FlowTag {
    static let connection: UInt16 = 1
    static let application: UInt16 = 2
    static let codeVerifier: UInt16 = 3
    static let browserBinding: UInt16 = 4
    static let started: UInt16 = 5
    static let expires: UInt16 = 6
    static let requestedScope: UInt16 = 7
    static let values: UInt16 = 11
    static let ownClientID: UInt16 = 12
    static let ownClientSecret: UInt16 = 13
    static let hidden: UInt16 = 14
    static let deviceCode: UInt16 = 15
    static let interval: UInt16 = 16
    static let userCode: UInt16 = 17
    static let verificationURI: UInt16 = 18
    static let verificationURIComplete: UInt16 = 19
    static let flow: UInt16 = 20
    static let awaitsConfirmation: UInt16 = 21
    static let heldQuery: UInt16 = 22
    static let scope: UInt16 = 23
    static let userScope: UInt16 = 24
}

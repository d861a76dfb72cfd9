// SPDX-License-Identifier: Apache-2.0

/// The rule that was broken, or what is known of why something failed. The numbers lie in logs and
/// records: they are never given to another one.
package enum FailureCause: UInt8, Hashable, Sendable, CaseIterable {
    // An endpoint's URL.
    case malformedURL = 1
    case notHTTPS = 2
    case loopbackAddress = 3
    case privateAddress = 4
    case unusableAddress = 5
    case userInformation = 6
    case fragment = 7
    case malformedHost = 8
    // What its name resolves to.
    case resolvesToLoopback = 9
    case resolvesToPrivate = 10
    case resolvesToUnusable = 11
    /// A token of an answer that lies unread, which cannot be read for its revocation either.
    case tokenUnreadable = 19
    /// The answer names a token type that is not taken.
    case tokenTypeNotTaken = 20
    // What else is wrong with an answer that names a token.
    case memberTwice = 21
    case tokenNotText = 22
    case tokenTooLong = 23
    case noAccessToken = 24
    // Why nothing can renew a token.
    case noRefreshToken = 25
    case refreshRefused = 26
    case minimumTooLong = 27
    case tokenRejected = 28
    /// Nothing was sent: an earlier answer says so of the application.
    case rejectedBefore = 29
    // A file of the vault's, or one that it is given.
    case missing = 30
    case symbolicLink = 31
    case wrongKind = 32
    case otherOwner = 33
    case openToOthers = 34
    case tooLong = 35
    case noCertificate = 36
    case damagedCertificate = 37
    case nothingLeft = 38
    case insideVault = 39
    /// It was written while it was read.
    case changed = 69
    // The root key.
    case passphraseForKey = 40
    case keyForPassphrase = 41
    case malformedKey = 42
    case malformedPassphrase = 43
    // A callback.
    case noState = 45
    case neitherCodeNorError = 46
    case codeAndError = 47
    case parameterTwice = 48
    case unknownState = 49
    case malformedQuery = 50
    case otherBrowser = 51
    case otherApplication = 52
    case issuerMissing = 55
    case issuerOther = 56
    // An argument.
    case empty = 60
    case controlCharacter = 62
    case tooMany = 63
    case plainHTTP = 64
    case wrongCharacter = 65
    case twice = 66
    case newerThanPresent = 67
    case setByProvider = 68
    // The value of a provider's variable.
    case valueMissing = 80
    case valueRefused = 81
    // What a provider that signs its callbacks signed otherwise, or not.
    case signatureMissing = 82
    case signatureOther = 83
    /// A template of the definition names a value that this connection does not have.
    case valueUnknown = 84
    /// A host name is to stand for an address that is not this machine's.
    case notLoopback = 85
    // A signing key.
    case keyEncrypted = 90
    case publicKey = 91
    case keyTooShort = 92
    case keyTooLong = 93
    case otherCurve = 94
    case otherKindOfKey = 95
    case algorithmOfOtherKey = 96
    /// A key is there that nothing signs with.
    case keyUnused = 97
    // More of an endpoint's address, and of what its name resolves to.
    case linkLocalAddress = 100
    case metadataAddress = 101
    case multicastAddress = 102
    /// It stands for an IPv4 address (NAT64, 6to4) that is refused.
    case translatedAddress = 103
    case resolvesToLinkLocal = 104
    case resolvesToMetadata = 105
    case resolvesToMulticast = 106
    case resolvesToTranslated = 107
    /// A name that only private networks have.
    case privateName = 108
    /// A port of another service than HTTPS.
    case refusedPort = 109
    // A network, or a NAT64 prefix, that the vault is told of.
    case malformedNetwork = 110
    case hostBits = 111
    case notPrivate = 112
    case prefixLength = 113
    /// A proxy is named with credentials that have no colon, or credentials without a proxy.
    case noColon = 114
    case noProxy = 115
    // More of a callback.
    /// The platform has to say first whose browser brought it.
    case unconfirmed = 120
    case otherRedirectURI = 121
    /// Nobody said in time that the user who finished the flow is the one who started it.
    case notConfirmed = 122
    /// The platform said that it is another user.
    case otherUser = 123
    // Whose account a connection is.
    /// Another one than it had.
    case otherAccount = 130
    /// The look-up did not say which.
    case accountUnknown = 131
    /// The provider's definition looks none up.
    case noAccountLookup = 132
}

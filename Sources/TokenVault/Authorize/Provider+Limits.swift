// SPDX-License-Identifier: Apache-2.0

// How long, how many and how much the settings may be.
extension Provider {
    /// The longest name, in bytes.
    static let nameBytesMax = 64
    /// The longest URL, in bytes.
    public static let endpointBytesMax = 2048
    /// The longest separator of scopes, in bytes.
    static let scopeSeparatorBytesMax = 8
    /// The most added parameters of either kind.
    public static let parametersMax = 32
    /// The longest name of an added parameter, in bytes.
    static let parameterNameBytesMax = 64
    /// The longest value of a parameter that is added to the authorization request, in bytes.
    static let authorizationParameterValueBytesMax = 4096
    /// The longest value of one that is added to token requests, in bytes.
    static let tokenParameterValueBytesMax = 1024
    /// Names that a parameter added to token requests cannot have, where all parameters have their
    /// own: the request sets them, or they authenticate.
    static let reservedTokenParameters = StandardParameters.token.all
    /// The longest grant type and parameter of an exchange, in bytes.
    public static let refreshGrantBytesMax = 64
    /// The most `grantLostErrors`.
    public static let grantLostErrorsMax = 16
    /// The longest of them, in bytes.
    public static let grantLostErrorBytesMax = 64
    /// The most `grantLostAnswers`.
    public static let grantLostAnswersMax = 16
    /// The most `bearerTokenTypes`.
    public static let bearerTokenTypesMax = 16
    /// The longest of them, in bytes.
    public static let bearerTokenTypeBytesMax = 64
    /// `listenSeconds` where nobody says.
    public static let listenSecondsDefault: Int64 = 600
    /// The range of `listenSeconds`.
    public static let listenSecondsRange: ClosedRange<Int64> = 15...3600
    /// The range of a refresh token's idle time and of a connection's lifetime, in seconds: ten
    /// minutes to a hundred years.
    public static let refreshTokenSecondsRange: ClosedRange<Int64> = 600...(100 * 366 * 86_400)
    /// The range of the margin, in seconds: a second to a year.
    public static let refreshMarginSecondsRange: ClosedRange<Int64> = 1...(366 * 86_400)
    /// `concurrentRefreshesMax` where nobody says: few providers publish theirs.
    public static let concurrentRefreshesDefault = 8
    /// `refreshesPerSecondMax` where nobody says.
    public static let refreshesPerSecondDefault = 100
    /// The range of `concurrentRefreshesMax`.
    public static let concurrentRefreshesRange = 1...1024
    /// The range of `refreshesPerSecondMax`.
    public static let refreshesPerSecondRange = 1...100_000
}

// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// One GET with the new access token after somebody has connected: values that calls of the API
    /// need, and whose account it is. The tokens are stored before it, whatever comes of it.
    ///
    /// `url` and the values of `headers` are templates, as those of `RevocationRequest`.
    public struct Lookup: Hashable, Sendable {
        /// Where to ask.
        public var url: String
        /// What is kept with the tokens: its name, and its path in the answer; at most `valuesMax`.
        public var values: [Parameter] = []
        /// The path of what tells people whose account it is, such as `email`; empty for none.
        public var account = ""
        /// Header fields, at most `Provider.requestHeadersMax`.
        public var headers: [Parameter] = []
        /// How the token is presented: `bearer`, or `header`.
        public var authentication = RevocationRequest.Authentication.bearer

        /// A look-up.
        public init(url: String) { self.url = url }

        /// The most values that are kept.
        public static let valuesMax = 16
        /// The longest of them, in bytes; a longer one is not kept.
        public static let valueBytesMax = 1024
        /// The longest account, in bytes; a longer one is not kept.
        public static let accountBytesMax = 256
    }
}

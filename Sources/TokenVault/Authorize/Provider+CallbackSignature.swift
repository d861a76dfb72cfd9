// SPDX-License-Identifier: Apache-2.0

extension Provider {
    /// How the provider signs a callback: HMAC over its other parameters, keyed by the client
    /// secret. They are decoded, sorted by name, and joined again as `name=value` with `&` between;
    /// in them `%` and `&`, and `=` in names, are percent-encoded. Shopify does so.
    public struct CallbackSignature: Hashable, Sendable {
        /// The hash.
        @nonexhaustive
        public enum Algorithm: String, Sendable, CaseIterable {
            /// HMAC-SHA-256 (RFC 2104, RFC 6234).
            case sha256
        }

        /// How it is written.
        @nonexhaustive
        public enum Encoding: String, Sendable, CaseIterable {
            /// Hexadecimal digits.
            case hex
            /// Base64 with padding (RFC 4648 section 4).
            case base64
        }

        /// The parameter that holds it.
        public var parameter = Self.parameterDefault
        /// The hash.
        public var algorithm = Algorithm.sha256
        /// How it is written.
        public var encoding = Encoding.hex

        /// Shopify's.
        public init() {}

        static let parameterDefault = "hmac"
    }
}

extension SettingForm where Value == Provider.CallbackSignature {
    /// How a callback is signed.
    static var callbackSignature: Self {
        let words =
            "a parameter that the callback does not have otherwise, 1 to "
            + "\(Provider.parameterNameBytesMax) bytes"
        return .object(
            of: [
                .text(
                    "parameter", \.parameter, default: Value.parameterDefault,
                    .text(words) { name in
                        let isFree =
                            Name.isWellFormed(name, byteCountMax: Provider.parameterNameBytesMax)
                            && !StandardParameters.callback.all.contains(name)
                        return isFree ? nil : words
                    }),
                .word("algorithm", \.algorithm, default: .sha256),
                .word("encoding", \.encoding, default: .hex),
            ], empty: Value(), words: "an object with parameter, algorithm, encoding")
    }
}

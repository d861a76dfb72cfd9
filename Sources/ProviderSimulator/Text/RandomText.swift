// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// Tokens and codes: a marker, a kind and random bytes.
enum RandomText {
    /// `marker-kind-` and `bytes` random bytes in base64url.
    static func make(marker: String, kind: StaticString, bytes: Int) -> String {
        let key = SymmetricKey(size: SymmetricKeySize(bitCount: bytes * 8))
        let random = unsafe key.withUnsafeBytes { unsafe Data($0) }
        return "\(marker)-\(kind)-\(random.base64URL)"
    }
}

extension Data {
    /// The bytes in base64url without padding (RFC 4648 section 5).
    var base64URL: String {
        base64EncodedString(options: [.base64URLAlphabet, .omitPaddingCharacter])
    }
}

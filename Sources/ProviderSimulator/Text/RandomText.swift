// SPDX-License-Identifier: Apache-2.0

/// Tokens and codes: a marker, a kind and random bytes from the system.
enum RandomText {
    /// `marker-kind-` and `bytes` random bytes in base64url.
    static func make(marker: String, kind: StaticString, bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        var random: [UInt8] = []
        random.reserveCapacity(bytes + 7)
        while random.count < bytes {
            var word = generator.next()
            for _ in 0..<8 {
                random.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        random.removeLast(random.count - bytes)
        return "\(marker)-\(kind)-\(Base64.url(random))"
    }
}

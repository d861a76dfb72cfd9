// SPDX-License-Identifier: Apache-2.0

/// Any bytes at all as the body of an answer: nothing may trap, and a success that is not tokens
/// and not an error must come back as it came. Compiled into one module with the sources it tests.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenReply(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count <= SecretArena.secretBytesMax else { return 0 }
    let body = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count)
    var provider = Provider(name: "", authorizationEndpoint: "", tokenEndpoint: "")
    provider.grantLostErrors = ["190", "token_revoked"]
    let lost = GrantLostErrors(provider)
    for status in [200, 400] {
        guard let secret = try? Secret(copying: body) else { fatalError("the arena leaks") }
        switch Verdict(TransportReply(status: status, body: secret), lost: lost) {
        case .tokens(let reply):
            let sentAt = UnixTime(seconds: 1_793_490_000)
            guard
                let tokens = try? reply.tokens(
                    requestedAt: sentAt, providerLifetimeSeconds: nil,
                    applicationLifetimeSeconds: 60),
                let expiry = tokens.accessTokenExpiry, expiry > sentAt, tokens.accessToken.count > 0
            else { fatalError("a verdict of tokens without usable tokens") }
        case .unreadable(_, let kept):
            guard status == 200, let kept, Sodium.isEqual(kept.bytes, body) else {
                fatalError("an unreadable body that was changed")
            }
        default: break
        }
        _ = JWTExpiry.read(body)
    }
    guard SecretArena.shared.openSecretCount == 0 else { fatalError("a secret outlived its scope") }
    return 0
}

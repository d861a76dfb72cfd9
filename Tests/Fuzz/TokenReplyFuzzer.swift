// SPDX-License-Identifier: Apache-2.0

/// Any bytes at all as the body of an answer: nothing may trap, a success that is not tokens and
/// not an error is kept where it names a token, and one that is reduced while it arrives says what
/// the whole says. Compiled into one module with the sources it tests.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenReply(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count <= SecretArena.secretBytesMax else { return 0 }
    let body = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count)
    var provider = Provider(name: "", authorizationEndpoint: "", tokenEndpoint: "")
    provider.grantLostErrors = ["190", "token_revoked"]
    provider.bearerTokenTypes = ["bot"]
    let lost = GrantLostErrors(provider)
    for (status, types) in [
        (200, BearerTypes.refresh(provider)), (200, .connect(provider)), (400, .bearer),
    ] {
        guard let secret = try? Secret(copying: body) else { fatalError("the arena leaks") }
        switch Verdict(TransportReply(status: status, body: secret), lost: lost, types: types) {
        case .tokens(let reply): checkTokens(reply)
        case .unread(_, let kept):
            guard status == 200, kept.count <= count, UnreadReply.namesToken(kept.bytes) else {
                fatalError("an unread body that names no token")
            }
            checkReduced(kept)
        case .unreadable:
            guard status == 200, !UnreadReply.namesToken(body) else {
                fatalError("a body that names a token was dropped")
            }
        default: break
        }
    }
    _ = JWTExpiry.read(body)
    _ = InternetTime.parse(body)
    checkArrival(body)
    guard SecretArena.shared.openSecretCount == 0 else { fatalError("a secret outlived its scope") }
    return 0
}

private func checkTokens(_ reply: borrowing TokenReply) {
    let sentAt = UnixTime(seconds: 1_793_490_000)
    guard
        let tokens = try? reply.tokens(
            requestedAt: sentAt, providerLifetimeSeconds: nil, applicationLifetimeSeconds: 60),
        let expiry = tokens.accessTokenExpiry, expiry > sentAt, tokens.accessToken.count > 0
    else { fatalError("a verdict of tokens without usable tokens") }
}

/// What is kept stays as it is when it is reduced again.
private func checkReduced(_ kept: borrowing Secret) {
    guard var again = try? kept.copy() else { fatalError("the arena leaks") }
    guard UnreadReply.reduce(&again), Sodium.isEqual(again.bytes, kept.bytes) else {
        fatalError("an unread body that is reduced twice")
    }
}

/// The body in pieces, reduced from any of them on. The first byte says where it is cut.
private func checkArrival(_ body: RawSpan) {
    guard body.byteCount > 0, let block = Secret(roomFor: 2048) else { return }
    let whole = says(body)
    let step = Int(body.byte(at: 0)) + 1
    var arriving = ReplyBody(in: block)
    var offset = 0
    while offset < body.byteCount {
        let end = min(offset + step, body.byteCount)
        guard arriving.take(body.extracting(offset..<end)) == .taken else {
            fatalError("no room for a body")
        }
        if offset == 0 { arriving.begin() }
        offset = end
    }
    let isWhole = arriving.isWholeObject()
    guard isWhole == JSONScanner.isWholeObject(body) else {
        fatalError("whole in pieces, or in one")
    }
    guard isWhole, let left = arriving.take() else { return }
    guard says(left.bytes) == whole else { fatalError("what is left says something else") }
}

/// Which tokens a body grants, and the rest of what it says.
private func says(_ body: RawSpan) -> String? {
    guard let members = try? TokenReply.Members(body) else { return nil }
    func text(_ place: TokenReply.Members.Place?) -> String {
        place.flatMap { body.extracting($0.range).publicText } ?? "-"
    }
    return "\(text(members.accessToken)) \(text(members.refreshToken)) \(members.tokenType) "
        + "\(members.scope ?? "-") \(String(describing: members.error)) "
        + "\(String(describing: members.expiresIn)) \(String(describing: members.expiresAt))"
}

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
    for (status, types) in [
        (200, BearerTypes.refresh(provider)), (200, .connect(provider)), (400, .bearer),
    ] {
        check(body, status, provider, types, isForm: false)
        check(body, status, provider, types, isForm: true)
    }
    check(body, 200, otherShape, .refresh(otherShape), isForm: false)
    check(body, 400, otherShape, .refresh(otherShape), isForm: true)
    _ = JWTExpiry.read(body)
    _ = InternetTime.parse(body)
    checkArrival(body)
    checkArrival(body, ReplyRules(otherShape))
    guard SecretArena.shared.openSecretCount == 0 else { fatalError("a secret outlived its scope") }
    return 0
}

/// A provider whose answers differ from RFC 6749's in all that can.
private let otherShape: Provider = {
    var provider = Provider(name: "", authorizationEndpoint: "", tokenEndpoint: "")
    provider.replyMembers.accessToken = "data.0.token"
    provider.replyMembers.refreshToken = "data.1.refresh_token"
    provider.replyMembers.expiresIn = "expires_in"
    provider.replyMembers.error = "error.code"
    provider.lifetimeUnit = .milliseconds
    provider.successCode = .init(member: "status", values: ["0", "ok"])
    provider.temporaryErrors = [.init(error: "4"), .init(status: 400, error: nil)]
    provider.capturedFromReply = [.init("team", path: "data.2.id"), .init("scope", path: "scope")]
    provider.grantLostErrors = ["190"]
    return provider
}()

private func check(
    _ body: RawSpan, _ status: Int, _ provider: Provider, _ types: BearerTypes, isForm: Bool
) {
    let rules = ReplyRules(provider)
    guard let secret = try? Secret(copying: body) else { fatalError("the arena leaks") }
    let verdict = Verdict(
        TransportReply(status: status, body: secret, isForm: isForm),
        lost: GrantLostErrors(provider, rules), types: types, rules: rules)
    switch consume verdict {
    case .tokens(let reply): checkTokens(reply)
    case .unread(_, let kept, _):
        guard status == 200, UnreadReply.namesToken(kept.bytes),
            kept.count <= body.byteCount || rules != nil || isForm
        else { fatalError("an unread body that names no token") }
        checkReduced(kept, rules)
    case .unreadable:
        guard status == 200, !UnreadReply.namesToken(body) else {
            fatalError("a body that names a token was dropped")
        }
    default: break
    }
}

private func checkTokens(_ reply: borrowing TokenReply) {
    let sentAt = UnixTime(seconds: 1_793_490_000)
    guard
        let tokens = try? reply.tokens(
            requestedAt: sentAt, providerLifetimeSeconds: nil, applicationLifetimeSeconds: 60),
        let expiry = tokens.accessTokenExpiry, expiry > sentAt, tokens.accessToken.count > 0
    else { fatalError("a verdict of tokens without usable tokens") }
}

/// What is kept stays as it is when it is reduced again; but for what only the definition knows.
private func checkReduced(_ kept: borrowing Secret, _ rules: ReplyRules?) {
    guard var again = try? kept.copy() else { fatalError("the arena leaks") }
    guard UnreadReply.reduce(&again), rules != nil || Sodium.isEqual(again.bytes, kept.bytes)
    else { fatalError("an unread body that is reduced twice") }
}

/// The body in pieces, reduced from any of them on. The first byte says where it is cut.
private func checkArrival(_ body: RawSpan, _ rules: ReplyRules? = nil) {
    guard body.byteCount > 0, let block = Secret(roomFor: 2048) else { return }
    let whole = says(body, rules)
    let step = Int(body.byte(at: 0)) + 1
    var arriving = ReplyBody(in: block, rules)
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
    // An object on a path is read as strictly as the answer is.
    guard isWhole == JSONScanner.isWholeObject(body) || rules != nil && whole == nil else {
        fatalError("whole in pieces, or in one")
    }
    guard isWhole, let left = arriving.take() else { return }
    guard says(left.bytes, rules) == whole else { fatalError("what is left says something else") }
}

/// Which tokens a body grants, and the rest of what it says.
private func says(_ body: RawSpan, _ rules: ReplyRules?) -> String? {
    guard let members = try? TokenReply.Members(body, rules) else { return nil }
    func text(_ place: TokenReply.Members.Place?) -> String {
        place.flatMap { body.extracting($0.range).publicText } ?? "-"
    }
    return "\(text(members.accessToken)) \(text(members.refreshToken)) \(members.tokenType) "
        + "\(members.scope ?? "-") \(String(describing: members.error)) "
        + "\(String(describing: members.expiresIn)) \(String(describing: members.expiresAt))"
}

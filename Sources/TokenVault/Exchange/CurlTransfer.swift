// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One request on its way and the answer that comes back, and a handle that goes from one to the
/// next. All of it on the transport's thread.
final class CurlTransfer {
    enum Stage {
        /// `sent`: a byte of the request may have been. `paused`: and the body waits for a larger
        /// block.
        case connecting, sent, paused
    }

    /// The transfers that need a look at each turn.
    final class Held {
        /// Those that wait for a block.
        var transfers: [CurlTransfer] = []
        /// Those whose request may not have left to its last byte yet.
        var sending: [CurlTransfer] = []

        /// What lies in the socket of one that waits is no excess.
        func tell(_ multi: CurlMulti) { multi.setHolding(!transfers.isEmpty) }
    }

    var easy: CurlEasy
    let multi: CurlMulti
    let held: Held
    let addressGuard: AddressGuard
    let proxy: Proxy?
    private(set) var request: TransportRequest?
    private var reply: ReplyBody?
    private var headers = ReplyHeaders()
    /// What the handle was told for this one request: not to decode, not to keep, a head.
    private var (takesRaw, endsConnection, hasHead) = (false, false, false)
    /// What is to be looked at before curl decodes it; nil where that is nothing, or was.
    private var bodyStart: BodyStart?
    private(set) var stage = Stage.connecting
    /// Decided here, not by curl.
    private(set) var failure: TransportReply.Failure?
    /// The URL that the handle is set to, and where it may lead.
    private var url = ""
    private(set) var target = AddressGuard.Target.network
    /// Why the first address that was refused is, and whether another one was not.
    var (refusal, hasAddress): (FailureCause?, Bool) = (nil, false)
    /// How much curl hands to TLS at a time.
    var writeBufferBytes = 0
    /// Where the loop keeps it.
    var position = 0
    /// When the loop ends it, or says that it is overdue (`CurlQueue.bootMilliseconds`). Far away
    /// while it waits for a block: the answer may be the only copy of a new token.
    var deadline = Int64.max
    /// When it was sent, and until when it is listened to.
    var sent: Int64 = 0
    var isOverdue = false
    /// Whether all of the request has left, and nothing of it is here.
    var hasLeft = false

    /// The block that an answer begins in, in bytes.
    static let replyBytes = 2048

    init?(settings: CurlTransport.Settings, held: Held, multi: CurlMulti) {
        guard let easy = CurlEasy(), easy.configure(settings) else { return nil }
        multi.follow(easy)
        self.multi = multi
        self.easy = easy
        self.held = held
        addressGuard = settings.addressGuard
        proxy = settings.proxy
        self.easy.attach(to: self)
    }

    static func at(_ context: UnsafeMutableRawPointer?) -> CurlTransfer? {
        guard let context = unsafe context else { return nil }
        return unsafe Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// Takes a request and the block for its answer. Nothing secret is handed to curl yet. False
    /// where the URL is refused; the request is answered then.
    func begin(_ request: TransportRequest, reply: consuming Secret, now: Int64) -> Bool {
        if let cause = setURL(request.url) {
            request.answer(TransportReply(failure: .refused(cause)))
            return false
        }
        self.request = request
        self.reply = ReplyBody(in: reply, request.rules, request.head)
        headers = ReplyHeaders()
        stage = .connecting
        failure = nil
        (refusal, hasAddress) = (nil, false)
        isOverdue = false
        hasLeft = false
        deadline = now + Int64(request.deadlineMilliseconds)
        hasHead = easy.prepare(request)
        setWriteBuffer(for: request.bodyByteCount + request.headerByteCount)
        return true
    }

    /// Why it is refused; nil where it is not.
    private func setURL(_ url: String) -> FailureCause? {
        // What was checked needs no second look: the check depends on nothing but the URL.
        if url == self.url { return nil }
        self.url = ""
        switch addressGuard.judge(url) {
        case .refused(let cause): return cause
        case .target(let target):
            // This machine is not reached by way of another one.
            guard easy.setURL(url), easy.setProxy(target == .network ? proxy : nil) else {
                return .malformedURL
            }
            self.url = url
            self.target = target
            return nil
        }
    }

    func add() -> Bool { multi.add(easy) }
    func remove() { multi.remove(easy) }

    // MARK: What curl tells on the way

    /// Connected, and about to send. False where the request must not go out.
    ///
    /// curl sends a request again by itself where a kept connection ends before the first byte of
    /// the answer (`Curl_retry_request`, POST too, up to five times). The provider may have used up
    /// the refresh token by then, so a request of which a byte was sent is never sent again: it
    /// ends as `lost`, and whoever owns the token decides. Where nothing was sent, curl goes on.
    func beginSending() -> Bool {
        guard let request, failure == nil else { return false }
        if case .connecting = stage {
            guard request.markSent() else {
                failure = .cancelled
                return false
            }
            if !request.renewAssertions() { failure = .tooManySecrets }
            guard failure == nil else { return false }
            load(body: request.body)
            if let credentials = request.credentials { load(credentials) }
            stage = .sent
            sent = CurlQueue.bootMilliseconds()
            deadline = sent + Int64(request.deadlineMilliseconds)
            held.sending.append(self)
            return true
        }
        // What the proxy was asked counts as sent, so that through one it is taken for lost.
        guard easy.sentByteCount == 0 else {
            failure = .lost(curlCode: Curl.codeGotNothing)
            return false
        }
        return true
    }

    private func load(body: borrowing Secret?) {
        switch body {
        case .some(let body): easy.load(body: body)
        case .none: break
        }
    }

    private func load(_ credentials: ClientCredentials) {
        if let headers = credentials.headers { easy.load(headers: headers) }
        switch credentials.headerLine {
        case .some(let line): easy.load(headerLine: line)
        case .none: break
        }
    }

    func take(header line: RawSpan) -> Bool {
        guard headers.take(line, of: easy) else {
            failure = .tooLong
            return false
        }
        switch headers.coding {
        case .none: break
        // Often no coding at all, but a character set, say: the bytes are read as they are.
        case .unknown: takeRaw()
        case .gzip, .deflate:
            bodyStart = BodyStart(headers)
            easy.setWatching(true)
        }
        return true
    }

    private func takeRaw() {
        takesRaw = true
        easy.setDecoding(false)
    }

    /// Looks at a body before it is decoded.
    func look(at bytes: RawSpan) {
        guard let isPlain = bodyStart?.isPlain(bytes) else { return }
        bodyStart = nil
        easy.setWatching(false)
        if isPlain { takeRaw() }
    }

    func take(body piece: RawSpan) -> ReplyBody.Intake {
        guard let intake = reply?.take(piece) else { return .enough }
        switch intake {
        case .taken:
            if !endsConnection, easy.holdsExcess {
                endsConnection = true
                easy.setKeeping(false)
            }
        case .later:
            stage = .paused
            deadline = .max
            if !held.transfers.contains(where: { $0 === self }) { held.transfers.append(self) }
            held.tell(multi)
        case .enough:
            // What follows a whole object is not looked at.
            if !(reply?.isWholeObject() ?? false) { failure = .tooLong }
        }
        return intake
    }

    // MARK: Pauses

    /// Goes on where a block has come free; the deadline starts anew. True where it did.
    func resumeIfPossible() -> Bool {
        guard case .paused = stage, let request, reply?.grow() ?? false else { return false }
        stage = .sent
        deadline = CurlQueue.bootMilliseconds() + Int64(request.deadlineMilliseconds)
        easy.resume()
        return true
    }

    // MARK: The end

    /// Takes back what curl was lent, makes the reply out of what came, and answers.
    func end(curlCode code: Int) {
        guard let request else { return }
        let status = easy.status
        let ending = failure ?? failure(curlCode: code, status: status)
        takeBack()
        restore()
        self.request = nil
        if !held.transfers.isEmpty {
            held.transfers.removeAll { $0 === self }
            held.tell(multi)
        }
        if !held.sending.isEmpty { held.sending.removeAll { $0 === self } }
        if let ending {
            reply = nil
            request.answer(TransportReply(failure: ending))
            return
        }
        let date = ReplyHeaders.date(of: easy)
        let retryAfter = ReplyHeaders.retryAfterSeconds(of: easy, date: date)
        request.answer(
            TransportReply(
                status: status, body: takeBody(), retryAfterSeconds: retryAfter, date: date,
                isForm: ReplyHeaders.namesForm(of: easy)))
    }

    /// Whether a success has arrived as far as anybody reads it: a whole object, or all the bytes
    /// that were declared.
    var isWholeSuccess: Bool {
        guard (200..<300).contains(easy.status) else { return false }
        if reply?.isWholeObject() ?? false { return true }
        let isCoded = headers.coding != .none && !takesRaw
        guard !isCoded, let count = reply?.wholeByteCount, count > 0 else { return false }
        return count == easy.declaredByteCount
    }

    private func takeBody() -> Secret? {
        guard let reply = reply.take() else { return nil }
        return reply.take()
    }

    /// Takes back what the handle was told for this one answer.
    private func restore() {
        if takesRaw { easy.setDecoding(true) }
        if bodyStart != nil { easy.setWatching(false) }
        if endsConnection { easy.setKeeping(true) }
        if hasHead { easy.endHead() }
        (takesRaw, endsConnection, hasHead, bodyStart) = (false, false, false, nil)
    }
}

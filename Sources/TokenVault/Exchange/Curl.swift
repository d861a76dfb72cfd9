// SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import CMemoryHygiene
import Glibc

/// libcurl, under its own names and the only place that imports it.
enum Curl {
    /// Installs the wiping allocators and initialises libcurl, once for the process and before any
    /// other call here.
    static let ready: Void = tv_wiping_allocators_install()

    static let codeOK = Int(CURLE_OK.rawValue)
    static let codeFailedInit = Int(CURLE_FAILED_INIT.rawValue)
    static let codeMalformedURL = Int(CURLE_URL_MALFORMAT.rawValue)
    static let codeUnsupportedProtocol = Int(CURLE_UNSUPPORTED_PROTOCOL.rawValue)
    static let codeGotNothing = Int(CURLE_GOT_NOTHING.rawValue)
    static let codeCannotRewind = Int(CURLE_SEND_FAIL_REWIND.rawValue)
    static let codeTooLong = Int(CURLE_FILESIZE_EXCEEDED.rawValue)
    static let codeTimedOut = Int(CURLE_OPERATION_TIMEDOUT.rawValue)
    static let codeNoCertificates = Int(CURLE_SSL_CACERT_BADFILE.rawValue)
    static let codeUntrusted = Int(CURLE_PEER_FAILED_VERIFICATION.rawValue)
    static let codeAborted = Int(CURLE_ABORTED_BY_CALLBACK.rawValue)

    /// What libcurl's own parser makes of an absolute URL without user information, the port as it
    /// is written. Nil where it refuses.
    static func parse(_ url: String) -> (scheme: String, host: String, port: String?)? {
        ready
        guard let parser = unsafe curl_url() else { return nil }
        defer { unsafe curl_url_cleanup(parser) }
        guard
            unsafe curl_url_set(parser, CURLUPART_URL, url, UInt32(CURLU_DISALLOW_USER))
                == CURLUE_OK
        else { return nil }
        func part(_ part: CURLUPart) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard unsafe curl_url_get(parser, part, &text, 0) == CURLUE_OK, let text = unsafe text
            else { return nil }
            defer { unsafe curl_free(text) }
            return unsafe String(validatingCString: text)
        }
        guard let scheme = part(CURLUPART_SCHEME), let host = part(CURLUPART_HOST) else {
            return nil
        }
        return (scheme, host, part(CURLUPART_PORT))
    }
}

/// A multi handle: the transfers that run together, and their kept connections. All of it on one
/// thread, except `wake`.
@safe
final class CurlMulti: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer
    let events: OpaquePointer

    /// Nil where libcurl has no memory, or the system no descriptor.
    init?(connectionsKept: Int) {
        Curl.ready
        guard let handle = unsafe curl_multi_init() else { return nil }
        guard let events = unsafe tv_events_open(handle) else {
            unsafe curl_multi_cleanup(handle)
            return nil
        }
        unsafe (self.handle, self.events) = (handle, events)
        unsafe tv_multi_setopt_long(handle, CURLMOPT_MAXCONNECTS, connectionsKept)
        unsafe tv_multi_setopt_long(handle, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    deinit {
        unsafe curl_multi_cleanup(handle)
        unsafe tv_events_close(events)
    }

    func add(_ easy: borrowing CurlEasy) -> Bool {
        unsafe curl_multi_add_handle(handle, easy.handle) == CURLM_OK
    }
    func remove(_ easy: borrowing CurlEasy) { unsafe curl_multi_remove_handle(handle, easy.handle) }
    /// Learns which sockets a handle closes; once for each, before it is added.
    func follow(_ easy: borrowing CurlEasy) { unsafe tv_events_follow(events, easy.handle) }
    fileprivate func open(_ wanted: curl_sockaddr) -> curl_socket_t {
        unsafe tv_events_socket(events, wanted.family, wanted.socktype, wanted.protocol)
    }

    /// The next transfer that has ended, and curl's code.
    func nextEnded() -> (transfer: CurlTransfer, code: Int)? {
        var left = Int32(0)
        guard let message = unsafe curl_multi_info_read(handle, &left) else { return nil }
        var context: UnsafeMutableRawPointer?
        unsafe tv_getinfo_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
        guard let transfer = unsafe CurlTransfer.at(context) else { return nil }
        return (transfer, Int(unsafe message.pointee.data.result.rawValue))
    }
}

/// An easy handle: one request at a time, used again and again. All of it on one thread.
@safe
struct CurlEasy: ~Copyable {
    let handle: UnsafeMutableRawPointer
    /// The list's element that names bytes of ours, so that curl makes no copy of them for it.
    let lent: UnsafeMutablePointer<curl_slist>

    /// Never changed, never freed.
    private static let commonHeaders = HeaderList(RequestHeaders.common)

    /// Nil where libcurl has no memory.
    init?() {
        Curl.ready
        guard let handle = unsafe curl_easy_init() else { return nil }
        unsafe (self.handle, lent) = (handle, .allocate(capacity: 1))
        unsafe lent.initialize(to: curl_slist(data: nil, next: Self.commonHeaders.list))
    }

    deinit {
        unsafe curl_easy_cleanup(handle)
        unsafe lent.deallocate()
    }

    /// Sets what all requests share. False where libcurl was built without something of it.
    func configure(_ settings: CurlTransport.Settings) -> Bool {
        unsafe tv_tls_records_wipe(handle)
        let numbers = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_POST, 1), (CURLOPT_TCP_NODELAY, 1),
            (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)), (CURLOPT_FOLLOWLOCATION, 0),
            (CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue)), (CURLOPT_SSL_VERIFYPEER, 1),
            (CURLOPT_SSL_VERIFYHOST, 2), (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_CONNECTTIMEOUT_MS, CurlTransport.connectMilliseconds),
            (CURLOPT_MAXAGE_CONN, CurlTransport.idleSecondsMax),
            (CURLOPT_BUFFERSIZE, CurlTransport.readBytes),
        ]
        // Debian's default for CAPATH would keep curl from caching the certificates it has read.
        let texts: [(CURLoption, String?)] = [
            (CURLOPT_PROTOCOLS_STR, settings.allowsLoopbackHTTP ? "http,https" : "https"),
            (CURLOPT_CAPATH, nil), (CURLOPT_ACCEPT_ENCODING, "gzip, deflate"),
        ]
        if let resolved = settings.resolved { resolve(resolved) }
        return unsafe numbers.allSatisfy { set($0, $1) } && texts.allSatisfy { set($0, $1) }
            && setProxy(nil)
            && (settings.caFile.map { set(CURLOPT_CAINFO, $0) } ?? true)
            && tv_setopt_list(handle, CURLOPT_HTTPHEADER, Self.commonHeaders.list) == CURLE_OK
            && tv_setopt_write(handle, CURLOPT_WRITEFUNCTION, receiveBody) == CURLE_OK
            && tv_setopt_write(handle, CURLOPT_HEADERFUNCTION, receiveHeader) == CURLE_OK
            && tv_setopt_prerequest(handle, beforeSending) == CURLE_OK
            && tv_setopt_opensocket(handle, openSocket) == CURLE_OK
            && tv_setopt_debug(handle, watchBody) == CURLE_OK
    }

    private func set(_ option: CURLoption, _ text: String?) -> Bool {
        unsafe tv_setopt_string(handle, option, text) == CURLE_OK
    }

    @discardableResult
    private func set(_ option: CURLoption, _ number: Int) -> Bool {
        unsafe tv_setopt_long(handle, option, number) == CURLE_OK
    }

    /// Names the transfer that the callbacks belong to; it must outlive the handle's use.
    func attach(to transfer: CurlTransfer) {
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        let options = [
            CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_PREREQDATA,
            CURLOPT_OPENSOCKETDATA, CURLOPT_DEBUGDATA,
        ]
        for option in options { unsafe tv_setopt_pointer(handle, option, context) }
    }

    func setURL(_ url: String) -> Bool { set(CURLOPT_URL, url) }
    func setBodyByteCount(_ count: Int) { set(CURLOPT_POSTFIELDSIZE, count) }
    /// How much is handed to TLS at a time, in bytes. Frees the copy of what was handed over last,
    /// which is wiped so; not while there is more of it to come.
    func setWriteBuffer(byteCount: Int) { set(CURLOPT_UPLOAD_BUFFERSIZE, byteCount) }
    /// Whether a body that is compressed is handed over as it was before.
    func setDecoding(_ isOn: Bool) { set(CURLOPT_HTTP_CONTENT_DECODING, isOn ? 1 : 0) }
    /// Whether what arrives is shown before anything is done with it. Nothing is printed.
    func setWatching(_ isOn: Bool) { set(CURLOPT_VERBOSE, isOn ? 1 : 0) }
    /// Whether the connection is kept behind the transfer.
    func setKeeping(_ isOn: Bool) { set(CURLOPT_FORBID_REUSE, isOn ? 0 : 1) }
    /// Whether the body has arrived as it was declared, and TLS holds more than that.
    var holdsExcess: Bool { unsafe tv_tls_holds_excess(handle) }
    /// Lends curl the body, which must stay where it is until `unload`.
    func load(body: borrowing Secret) {
        unsafe body.withUnsafeBytes { bytes in
            _ = unsafe tv_setopt_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
        }
    }

    /// Lends curl a header field with a zero byte behind it, as `load(body:)`. It is only read.
    func load(headerLine line: borrowing Secret) {
        unsafe line.withUnsafeBytes { bytes in
            let text = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            unsafe lent.pointee.data = UnsafeMutablePointer(mutating: text)
        }
        unsafe tv_setopt_list(handle, CURLOPT_HTTPHEADER, lent)
    }

    /// Lends curl header fields in place of the common ones, before `load(headerLine:)`.
    func load(headers: HeaderList) {
        unsafe lent.pointee.next = headers.list
        unsafe tv_setopt_list(handle, CURLOPT_HTTPHEADER, headers.list)
    }

    /// Takes back what was loaded.
    func unload() {
        unsafe tv_setopt_pointer(handle, CURLOPT_POSTFIELDS, nil)
        let common = unsafe Self.commonHeaders.list
        guard unsafe lent.pointee.data != nil || lent.pointee.next != common else { return }
        unsafe tv_setopt_list(handle, CURLOPT_HTTPHEADER, common)
        unsafe lent.pointee = curl_slist(data: nil, next: common)
    }

    /// Goes on with a transfer that `receiveBody` paused.
    func resume() { unsafe curl_easy_pause(handle, CURLPAUSE_CONT) }
    var status: Int { number(CURLINFO_RESPONSE_CODE) }
    /// What OpenSSL says of the certificate that was shown.
    var verifyResult: Int { number(CURLINFO_SSL_VERIFYRESULT) }
    /// How many bytes of requests were sent, attempts of curl's own included.
    var sentByteCount: Int { number(CURLINFO_REQUEST_SIZE) }
    /// How many bytes of the form the kernel has taken.
    var sentBodyByteCount: Int { offset(CURLINFO_SIZE_UPLOAD_T) }
    private func offset(_ info: CURLINFO) -> Int {
        var count = curl_off_t(-1)
        unsafe tv_getinfo_off(handle, info, &count)
        return Int(count)
    }
    private func number(_ info: CURLINFO) -> Int {
        var number = 0
        unsafe tv_getinfo_long(handle, info, &number)
        return number
    }

    /// Lends the values of the answer's first fields of one name, without white space round them.
    /// curl keeps them until the next request.
    func readFields(_ name: StaticString, first count: Int, _ body: (RawSpan) -> Void) {
        for index in 0..<count {
            guard let value = unsafe tv_header(handle, name.utf8Start, index) else { return }
            body(unsafe RawSpan(_unsafeStart: value, byteCount: strlen(value)))
        }
    }

    /// The body's length as the answer declares it; nil where it does not.
    var declaredByteCount: Int? {
        let count = offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return count < 0 ? nil : count
    }
}

extension HeaderList {
    fileprivate var list: UnsafeMutablePointer<curl_slist>? {
        unsafe first?.assumingMemoryBound(to: curl_slist.self)
    }
}

private typealias Bytes = UnsafeMutablePointer<CChar>
private typealias Context = UnsafeMutableRawPointer

private func receiveBody(_ bytes: Bytes?, _ size: Int, _ count: Int, _ context: Context?) -> Int {
    guard let transfer = unsafe CurlTransfer.at(context), let bytes = unsafe bytes else { return 0 }
    switch transfer.take(body: unsafe RawSpan(_unsafeStart: bytes, byteCount: size * count)) {
    case .taken: return size * count
    case .later: return Int(CURL_WRITEFUNC_PAUSE)
    case .enough: return 0
    }
}

private func receiveHeader(_ bytes: Bytes?, _ size: Int, _ count: Int, _ context: Context?) -> Int {
    guard let transfer = unsafe CurlTransfer.at(context), let bytes = unsafe bytes else { return 0 }
    let line = unsafe RawSpan(_unsafeStart: bytes, byteCount: size * count)
    return transfer.take(header: line) ? size * count : 0
}

private func watchBody(
    _: UnsafeMutableRawPointer?, _ kind: curl_infotype, _ bytes: Bytes?, _ count: Int,
    _ context: Context?
) -> Int32 {
    if kind == CURLINFO_DATA_IN, let bytes = unsafe bytes {
        unsafe CurlTransfer.at(context)?.look(
            at: RawSpan(_unsafeStart: bytes, byteCount: count))
    }
    return 0
}

private func beforeSending(
    _ context: Context?, _: Bytes?, _: Bytes?, _: Int32, _: Int32
) -> Int32 {
    let allowed = unsafe CurlTransfer.at(context)?.beginSending() ?? false
    return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private func openSocket(
    _ context: Context?, _: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let transfer = unsafe CurlTransfer.at(context), let address = unsafe address,
        let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr)
    else { return CURL_SOCKET_BAD }
    let wanted = unsafe address.pointee
    // The structure goes on past its declared end for addresses longer than `sockaddr`.
    let start = unsafe UnsafeRawPointer(address) + offset
    let bytes = unsafe RawSpan(_unsafeStart: start, byteCount: Int(wanted.addrlen))
    guard transfer.mayConnect(to: bytes) else { return CURL_SOCKET_BAD }
    return transfer.multi.open(wanted)
}

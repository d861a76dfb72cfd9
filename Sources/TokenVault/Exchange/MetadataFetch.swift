// SPDX-License-Identifier: Apache-2.0

/// Fetches what an authorization server publishes about itself: by the vault's own transport, so
/// under its rules for addresses and certificates, and without following redirects.
struct MetadataFetch: Sendable {
    let transport: any Transport
    let addressGuard: AddressGuard

    /// How long each document may take, in milliseconds.
    static let deadlineMilliseconds = 10_000

    /// What was at a place.
    private enum Finding: Sendable {
        case document(ServerMetadata)
        /// No document, but an answer.
        case absent(String)
        case failed(DiscoveryError)
    }

    /// Fetches the documents of an issuer, one after the other, and merges them. One is enough.
    ///
    /// - Throws: why there is none that can be used, or what is wrong with one that is there.
    func discover(
        _ text: String, at now: UnixTime
    ) async throws(DiscoveryError) -> Discovery {
        let issuer = try Issuer(text, addressGuard)
        var metadata = ServerMetadata()
        var documents: [String] = []
        var absences: [Discovery.Absence] = []
        var hasOpenID = false
        for location in issuer.locations where !(location.isSecondChoice && hasOpenID) {
            switch await finding(at: location.url) {
            case .failed(let error): throw error
            case .absent(let reason):
                absences.append(Discovery.Absence(url: location.url, reason: reason))
            case .document(let document):
                try check(document, at: location.url, of: issuer)
                try metadata.merge(document)
                documents.append(location.url)
                hasOpenID = hasOpenID || location.isOpenID
            }
        }
        guard let published = metadata.text(.issuer) else {
            let places = absences.map { "\($0.url) \($0.reason)" }.joined(separator: "; ")
            throw DiscoveryError(
                .notFound, at: text, "publishes nothing about itself: \(places)",
                remedy: "check the issuer, which the provider's documentation names, or write a "
                    + "definition (--provider)")
        }
        // The second place of OpenID's is no loss where the first has it, nor the other way round.
        let lost = absences.filter { absence in
            !hasOpenID || !issuer.locations.contains { $0.isOpenID && $0.url == absence.url }
        }
        return Discovery(
            issuer: published, metadata: metadata, fetched: now, documents: documents,
            absences: lost.filter { $0.reason != Self.notFound })
    }

    /// That a document is of the issuer, and names no address that may not be used.
    private func check(
        _ document: ServerMetadata, at url: String, of issuer: Issuer
    ) throws(DiscoveryError) {
        guard let published = document.text(.issuer) else {
            throw DiscoveryError(
                .unreadable, at: url, .issuer, "is missing",
                remedy: "without it nobody knows whose document it is (RFC 8414 section 3.3): "
                    + "write a definition (--provider)")
        }
        guard issuer.isNamed(by: published) else {
            throw DiscoveryError(
                .otherIssuer, at: url, .issuer,
                "is \"\(published)\", not the \"\(issuer.text)\" that was asked for",
                remedy: Self.remedy(published))
        }
        let endpoints: [ServerMetadata.Member] = [
            .authorizationEndpoint, .tokenEndpoint, .revocationEndpoint,
            .deviceAuthorizationEndpoint,
        ]
        for member in endpoints {
            guard let endpoint = document.text(member),
                case .refused(let cause) = addressGuard.judge(endpoint)
            else { continue }
            throw DiscoveryError(
                .addressRefused, at: url, member,
                "is \"\(endpoint)\", which \(DiscoveryError.words(cause))",
                remedy: "no secret is sent there; ask the provider")
        }
    }

    private static func remedy(_ published: String) -> String {
        guard let brace = published.firstIndex(of: "{"),
            let end = published[brace...].firstIndex(of: "}")
        else {
            return "both have to be the same, to the last slash (RFC 8414 section 3.3); if that is "
                + "the server you mean, ask for \(published)"
        }
        return "the address serves many: ask for the issuer of one, with its own value in the "
            + "place of \(published[brace...end]), or name a provider of the catalog (--provider)"
    }

    static let notFound = "is not there (404)"

    private func finding(at url: String) async -> Finding {
        unsafe await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Finding, Never>) in
            let body: Secret
            do throws(VaultError) {
                body = try Secret(zeroes: 0)
            } catch {
                return unsafe continuation.resume(returning: .failed(Self.noRoom(url)))
            }
            let headers = RequestHeaders.list([], .none)
            transport.send(
                TransportRequest(
                    url: url, credentials: ClientCredentials(headerLine: nil, headers: headers),
                    body: body,
                    head: TransportRequest.Head(method: .get, body: .none, keepsAll: true),
                    deadlineMilliseconds: Self.deadlineMilliseconds, isReserved: true
                ) { reply in
                    unsafe continuation.resume(returning: Self.finding(reply, url))
                })
        }
    }

    private static func noRoom(_ url: String) -> DiscoveryError {
        DiscoveryError(
            .busy, at: url, "was not asked: too many secrets are open in this process",
            remedy: "try again")
    }

    private static func finding(_ reply: consuming TransportReply, _ url: String) -> Finding {
        if let failure = reply.failure { return .failed(error(failure, url)) }
        let status = reply.status
        switch status {
        case 200: break
        case 404, 410: return .absent(notFound)
        case 429, 502, 503, 504:
            return .failed(
                DiscoveryError(
                    .busy, at: url, "answers \(status): the server has no time now",
                    remedy: "try again later"))
        case 300..<400:
            return .absent("redirects (\(status)), which is not followed")
        default: return .absent("answers \(status)")
        }
        guard let body = reply.body.take() else { return .absent("is empty") }
        let start = JSONText.spaceEnd(body.bytes, from: JSONScanner.markEnd(body.bytes))
        guard start < body.count else { return .absent("is empty") }
        if body.bytes.byte(at: start) == UInt8(ascii: "<") {
            return .absent("is a page (HTML), no document")
        }
        do throws(DiscoveryError) {
            return .document(try ServerMetadata(body.bytes, at: url))
        } catch {
            return .failed(error)
        }
    }

    private static func error(
        _ failure: TransportReply.Failure, _ url: String
    ) -> DiscoveryError {
        switch failure {
        case .refused(let cause):
            DiscoveryError(
                .addressRefused, at: url, DiscoveryError.words(cause),
                remedy: "providers are reached by https on the open internet; see the vault's "
                    + "settings for what else may be allowed")
        case .untrusted(let number):
            DiscoveryError(
                .untrusted, at: url, "shows a certificate that is not trusted (X509 \(number))",
                remedy: "check the host's name; a private authority's certificates are given by "
                    + "--ca-file")
        case .unreachable(let code):
            DiscoveryError(
                .unreachable, at: url, "cannot be reached (curl \(code))",
                remedy: "check the issuer's host and the network, and try again")
        case .proxyFailed(let number):
            DiscoveryError(
                .unreachable, at: url, "cannot be reached: the proxy failed (\(number))",
                remedy: "check the proxy, and whether it lets the issuer through")
        case .lost(let code):
            DiscoveryError(
                .unreachable, at: url, "broke off (curl \(code))", remedy: "try again")
        case .deadlineExceeded:
            DiscoveryError(
                .unreachable, at: url,
                "did not answer in \(deadlineMilliseconds / 1000) seconds", remedy: "try again")
        case .tooLong:
            DiscoveryError(
                .unreadable, at: url, "is longer than \(ServerMetadata.byteCountMax) bytes",
                remedy: "check the issuer; write a definition (--provider) if it is right")
        case .tooManySecrets: noRoom(url)
        case .cancelled:
            DiscoveryError(
                .busy, at: url, "was not asked: the vault is being closed", remedy: "open it again")
        }
    }
}

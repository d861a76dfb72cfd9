// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import TokenVault

/// Why a request was not answered: a problem document (RFC 9457), with a code that programs
/// compare, and what to do.
struct Problem: Error, Sendable {
    let status: HTTPResponse.Status
    /// A `VaultError.Code`, or one of the API's own.
    let code: String
    let title: String
    /// What about this very request.
    var detail: String?
    /// What to do.
    let remedy: String
    var number: Int?
    var oauthError: String?
    /// The rule that was broken, and by what.
    var cause: String?
    var subject: String?
    var connection: String?
    var headers: [(HTTPField.Name, String)] = []

    init(
        _ status: HTTPResponse.Status, _ code: String, _ title: String, _ remedy: String,
        detail: String? = nil, headers: [(HTTPField.Name, String)] = []
    ) {
        (self.status, self.code, self.title, self.remedy) = (status, code, title, remedy)
        (self.detail, self.headers) = (detail, headers)
    }

    /// Of every kind of problem: relative to where the API is, since nobody's host name is ours.
    static let typePrefix = "/v1/problems/"
    static let contentType = "application/problem+json"

    var response: Response {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", Self.typePrefix + code)
        json.member("title", title)
        json.member("status", status.code)
        json.member("detail", detail)
        json.member("code", code)
        json.member("remedy", remedy)
        json.member("number", number)
        json.member("oauth_error", oauthError)
        json.member("cause", cause)
        json.member("subject", subject)
        json.member("connection", connection)
        json.endObject()
        var response = Response(
            status: status, headers: [.contentType: Self.contentType],
            body: ResponseBody(byteBuffer: json.buffer))
        for (name, value) in headers { response.headers[name] = value }
        return response
    }
}

// What is the API's own.
extension Problem {
    /// No key, or one that is not known, has expired or was revoked: which of them nobody is told.
    static func unauthorized(isMissing: Bool) -> Problem {
        // RFC 6750 section 3: without a key there is no error to tell.
        let challenge = isMissing ? "" : ", error=\"invalid_token\""
        return Problem(
            .unauthorized, "unauthorized", "The request has no key that is valid",
            "Send `Authorization: Bearer tv_...` with a key of `tokenvault key create`; one that "
                + "has expired or was revoked is replaced by a new one.",
            headers: [(.wwwAuthenticate, "Bearer realm=\"tokenvault\"" + challenge)])
    }

    static func insufficientScope(_ scope: APIScope) -> Problem {
        Problem(
            .forbidden, "insufficientScope", "The key has not the scope that this needs",
            "Use a key with the scope \(scope.rawValue).", detail: scope.rawValue,
            headers: [
                (
                    .wwwAuthenticate,
                    "Bearer realm=\"tokenvault\", error=\"insufficient_scope\", "
                        + "scope=\"\(scope.rawValue)\""
                )
            ])
    }

    static let otherConnection = Problem(
        .forbidden, "connectionNotCovered", "The key is for other connections",
        "Use a key whose --connection pattern covers this id.")

    static let browser = Problem(
        .forbidden, "browserRefused", "This is an API for servers, not for pages",
        "Send no Origin and no Sec-Fetch-Site header; a page that calls it would show its key to "
            + "whoever opens the page.")

    static let notFound = Problem(
        .notFound, "noSuchPath", "There is no such path",
        "See /v1/openapi.json; an id is percent-encoded, a / in it as %2F.")

    static func methodNotAllowed(_ allowed: [String]) -> Problem {
        Problem(
            .methodNotAllowed, "methodNotAllowed", "The path has no such method",
            "Use one of \(allowed.joined(separator: ", ")).",
            headers: [(.allow, allowed.joined(separator: ", "))])
    }

    static func malformed(_ detail: String) -> Problem {
        Problem(
            .badRequest, "malformedRequest", "The request is not of the form that this takes",
            "See /v1/openapi.json.", detail: detail)
    }

    /// Well-formed, and not possible.
    static func refused(_ detail: String) -> Problem {
        Problem(
            .unprocessableContent, "invalidArgument", "A value is not allowed",
            "Correct it.", detail: detail)
    }

    static let notJSON = Problem(
        .unsupportedMediaType, "notJSON", "The body is not JSON",
        "Send Content-Type: application/json.")

    static let tooLarge = Problem(
        .contentTooLarge, "bodyTooLarge", "The body is too large",
        "Send at most \(VaultAPI.bodyBytesMax) bytes.")

    static let targetTooLong = Problem(
        .uriTooLong, "targetTooLong", "The request's path and query are too long",
        "Send at most \(VaultAPI.targetBytesMax) bytes.")

    static let internalFault = Problem(
        .internalServerError, "internalFault", "A fault of the API's own",
        "Report it, with what the request was.")
}

// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Bounds what comes in, puts the same headers on all that goes out, whatever went wrong, and
/// writes down which pattern of path was asked for: never the path itself, nor a query.
struct PageGuard: RouterMiddleware {
    let isHTTPS: Bool
    let tally: RequestTally

    @concurrent
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        if (request.head.path?.utf8.count ?? 0) > CallbackFront.targetBytesMax {
            response = .page(.refused, status: .badRequest)
        } else if hasBody(request) {
            response = .page(.refused, status: .contentTooLarge)
        } else {
            do {
                response = try await next(request, context)
            } catch let error as any HTTPResponseError where error.status == .notFound {
                response = .page(.notFound, status: .notFound)
            } catch {
                response = .page(.refused, status: .internalServerError)
            }
        }
        if request.method == .head { response = response.createHeadResponse() }
        protect(&response)
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options]
        let method = known.contains(request.method) ? request.method.rawValue : "other"
        if response.status == .notFound {
            tally.add(
                "\(method) 404: no such path; there is /callback/APPLICATION, to be the end of a "
                    + "redirect URI, and /connect/LINK")
        } else {
            tally.add("\(method) \(context.endpointPath ?? "none") \(response.status.code)")
        }
        return response
    }

    private func hasBody(_ request: Request) -> Bool {
        request.headers[.transferEncoding] != nil
            || request.headers[.contentLength].map { $0 != "0" } ?? false
    }

    private func protect(_ response: inout Response) {
        response.headers[.cacheControl] = "no-store"
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
            + "form-action 'none'"
        response.headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in Self.unnamed { response.headers[name] = value }
        if isHTTPS { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    }

    /// Headers that the HTTP types have no constant for.
    private static let unnamed: [(HTTPField.Name, String)] = [
        ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }
}

// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Refuses browsers and what is too long, puts the same headers on all that goes out, makes a
/// problem of whatever went wrong, and writes down which pattern of path was asked for: never the
/// path itself, nor a query.
struct APIGuard: RouterMiddleware {
    let tally: RequestTally

    /// What browsers send and no program has to (Fetch Metadata).
    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")

    @concurrent
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        if (request.head.path?.utf8.count ?? 0) > VaultAPI.targetBytesMax {
            response = Problem.targetTooLong.response
        } else if isOfBrowser(request) {
            response = Problem.browser.response
        } else {
            do {
                response = try await next(request, context)
            } catch let error as any HTTPResponseError where error.status == .notFound {
                let methods = Route.methods(of: request.uri.path)
                let problem = methods.isEmpty ? Problem.notFound : .methodNotAllowed(methods)
                response = problem.response
            } catch {
                response = Problem.internalFault.response
            }
        }
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        let known: [HTTPRequest.Method] = [.get, .post, .put, .delete]
        let method = known.contains(request.method) ? request.method.rawValue : "other"
        tally.add("\(method) \(context.endpointPath ?? "none") \(response.status.code)")
        return response
    }

    private func isOfBrowser(_ request: Request) -> Bool {
        request.headers[.origin] != nil
            || Self.fetchSite.map { request.headers[$0] != nil } ?? false
    }
}

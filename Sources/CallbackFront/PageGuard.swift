// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Checks the host, bounds what comes in, puts the same headers on all that goes out, whatever went
/// wrong, and writes down which pattern of path was asked for: never the path itself, nor a query.
struct PageGuard<Context: RequestContext>: RouterMiddleware {
    let front: CallbackFront
    /// Whether the hosts are the front's alone: what holds for a whole host is said only then.
    let isStandAlone: Bool

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        // Not what was asked for: how the path is written is the client's own affair.
        let pattern = context.endpointPath ?? "none"
        let takesBody = request.method == .post && pattern.hasSuffix("/connect/{link}")
        if front.host(of: request) == nil, !pattern.hasSuffix("/health") {
            response = .page(.misdirected, status: .misdirectedRequest)
        } else if (request.head.path?.utf8.count ?? 0) > CallbackFront.targetBytesMax {
            response = .page(front.pages.refused, status: .badRequest)
        } else if hasBody(request, longerThan: takesBody ? CallbackFront.bodyBytesMax : 0) {
            response = .page(front.pages.refused, status: .contentTooLarge)
        } else {
            do {
                response = try await next(request, context)
            } catch let error as any HTTPResponseError where error.status == .notFound {
                response = .page(front.pages.notFound, status: .notFound)
            } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
                response = .page(front.pages.refused, status: .contentTooLarge)
            } catch {
                response = .page(front.pages.refused, status: .internalServerError)
            }
        }
        if request.method == .head { response = response.createHeadResponse() }
        protect(&response)
        tell(request, pattern, response.status)
        return response
    }

    private func tell(_ request: Request, _ pattern: String, _ status: HTTPResponse.Status) {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options]
        let method = known.contains(request.method) ? request.method.rawValue : "other"
        switch status {
        case .notFound:
            front.tally.add(
                "\(method) 404: no such path; there is /callback/APPLICATION, to be the end of a "
                    + "redirect URI, and /connect/LINK")
        case .misdirectedRequest:
            front.tally.add("\(method) 421: its Host is none of those that are served")
        default:
            front.tally.add("\(method) \(pattern) \(status.code)")
        }
    }

    /// Of a body without a length, what takes one counts the bytes.
    private func hasBody(_ request: Request, longerThan limit: Int) -> Bool {
        if request.headers[.transferEncoding] != nil { return limit == 0 }
        return request.headers[.contentLength].map { (Int($0) ?? .max) > limit } ?? false
    }

    private func protect(_ response: inout Response) {
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = Policy.page(
                hasLogo: front.configuration.logo != nil)
        }
        for (name, value) in [Policy.noReferrer, Policy.noFrame] {
            guard let name = HTTPField.Name(name), response.headers[name] == nil else { continue }
            response.headers[name] = value
        }
        // A browser takes it as said only where it came by `https`.
        if isStandAlone, front.hosts?.hasHTTPS ?? false {
            response.headers[.strictTransportSecurity] = "max-age=31536000"
        }
    }
}

extension CallbackFront {
    /// The host that a request names; nil where it is none of ours, or it names two.
    func host(of request: Request) -> HostList.Entry? {
        guard let authority = request.head.authority,
            HTTPField.Name("host").map({ request.headers[$0] == nil }) ?? true
        else { return nil }
        return hosts?.entry(named: authority)
    }
}

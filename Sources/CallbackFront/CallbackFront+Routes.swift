// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird

extension CallbackFront {
    /// The routes and what guards them, as a router of their own: for the stand-alone server, or a
    /// host that gives the front a port of its own. They are at the path of the configured hosts.
    public func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: PageGuard(front: self, isStandAlone: true))
        routes(on: router.group(RouterPath(hosts?.path ?? "")))
        return router
    }

    /// Adds the routes to a server of the host's own, with what guards them: limits, the policy of
    /// the pages, the check of the host. Other routes are untouched.
    ///
    /// ```swift
    /// front.addRoutes(to: router.group("oauth"))
    /// ```
    ///
    /// The hosts have to be configured then, each with the same path:
    /// `https://platform.example/oauth`. Below it are, and nothing else may be:
    ///
    /// | path | what it is |
    /// |---|---|
    /// | `GET /connect/{link}`, `POST` | the page of a connection link, and its button |
    /// | `GET /callback/{application}`, `GET /callback` | the callbacks |
    /// | `GET /completed`, `GET /completed/{note}`, `GET /failed/{reason}` | how it ended |
    /// | `GET /style.css`, `GET /logo` | what the pages load |
    /// | `GET /health` | `ok` |
    ///
    /// With a path, everything else below it gets the front's own page that says so; at the root
    /// it stays the host's. Limits on headers and idle sockets are the host's business, and so is
    /// `Strict-Transport-Security`, which holds for a whole host.
    public func addRoutes<Context: RequestContext>(to router: some RouterMethods<Context>) {
        // A group of its own: a guard on the host's would hold for the host's later routes.
        let own = router.group()
        own.add(middleware: PageGuard<Context>(front: self, isStandAlone: false))
        routes(on: own)
        guard let hosts, !hosts.path.isEmpty else { return }
        let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        for method in methods {
            own.on("**", method: method) { _, _ -> Response in throw HTTPError(.notFound) }
        }
    }

    private func routes<Context: RequestContext>(on router: RouterGroup<Context>) {
        router.get("/connect/{link}") { request, context in
            await self.show(context.parameters.get("link") ?? "", request)
        }
        // As the page is, without its text: who looks ahead uses nothing up.
        router.head("/connect/{link}") { request, context in
            await self.show(context.parameters.get("link") ?? "", request)
        }
        router.post("/connect/{link}") { request, context in
            await self.open(context.parameters.get("link") ?? "", request)
        }
        router.get("/callback/{application}") { request, context in
            await self.complete(context.parameters.get("application") ?? "", request)
        }
        router.get("/callback") { request, _ in await self.complete(nil, request) }
        // Only a GET may end a flow: mail scanners and previews send HEAD.
        for path in ["/callback/{application}", "/callback"] as [RouterPath] {
            router.head(path) { _, _ in Reply.getOnly }
        }
        page("/completed", router) { front, _ in .page(front.pages.completed) }
        page("/completed/{note}", router) { front, context in
            .page(front.pages.completed(note: context.parameters.get("note") ?? ""))
        }
        page("/failed/{reason}", router) { front, context in
            .page(front.pages.failed(context.parameters.get("reason") ?? ""))
        }
        page("/style.css", router) { _, _ in .stylesheet }
        if let logo = configuration.logo { page("/logo", router) { _, _ in .logo(logo) } }
        page("/health", router) { _, _ in .text(.ok, "ok\n") }
    }

    private func page<Context: RequestContext>(
        _ path: RouterPath, _ router: RouterGroup<Context>,
        _ reply: @escaping @Sendable (CallbackFront, Context) -> Response
    ) {
        router.get(path) { _, context in reply(self, context) }
        router.head(path) { _, context in reply(self, context) }
    }
}

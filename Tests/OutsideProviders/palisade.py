# SPDX-License-Identifier: Apache-2.0
"""Palisade, a provider that does not exist. Each of its habits is some real provider's.

- Each tenant has a host of its own under a fixed suffix (Zendesk, Okta), and another for the API.
- The parameters of all messages have other names (Amazon, TikTok, Basecamp), and the kind of a
  token request is told by a parameter of its own instead of grant_type.
- Scopes are separated by commas (Slack, Shopify); there is no PKCE, and unknown parameters are
  refused.
- The callback brings the user's id (QuickBooks, Kommo).
- Token requests are JSON (Notion, Lark). Answers are forms (GitHub, Stack Exchange), with lifetimes
  in milliseconds; the status is 200 whatever happens, and a code in the answer tells success from
  failure (Slack, Lark, TikTok Shop).
- Refreshes go to an endpoint of their own, and refresh tokens are replaced and expire as well.
- A session is ended by DELETE of its own URL, with the token in a header of its own; the answer is
  JSON with the same code in it.
"""

import time

from practice import Answer, PracticeProvider, fresh

TENANTS = ["acme", "beta"]
HOSTS = [f"{tenant}.{kind}.palisade.example" for tenant in TENANTS for kind in ("auth", "api")]
SUCCESS, BUSY, BAD_CLIENT, BAD_CODE, BAD_REQUEST, BAD_RENEWAL, RENEWAL_GONE = (
    0, 40001, 40002, 40010, 40011, 40012, 40013)


class Palisade(PracticeProvider):
    def __init__(self, directory, app_key, app_secret, callback_url, lifetime):
        self.app_key, self.app_secret, self.callback_url = app_key, app_secret, callback_url
        self.lifetime, self.renewal_lifetime = lifetime, 30 * 86400
        self.codes, self.sessions = {}, {}
        self.busy = 0  # how many renewals are still answered with BUSY
        self.refused = []  # the codes of failures, in the order in which they were sent
        super().__init__(directory)

    def answer(self, request):
        tenant, _, rest = request.host.partition(".")
        if tenant not in TENANTS:
            return Answer(404, b"no such tenant", "text/plain")
        route = (request.method, rest, request.path)
        if route == ("GET", "auth.palisade.example", "/connect"):
            return self.connect(tenant, request.query)
        if route == ("POST", "auth.palisade.example", "/token"):
            return self.redeem(tenant, request.json() or {})
        if route == ("POST", "auth.palisade.example", "/renew"):
            return self.renew(tenant, request.json() or {})
        if request.method == "DELETE" and request.path.startswith("/sessions/"):
            return self.end(tenant, request)
        if route == ("GET", "api.palisade.example", "/v1/me"):
            return self.me(tenant, request)
        return Answer(404, b"not found", "text/plain")

    def connect(self, tenant, query):
        if set(query) != {"app_key", "callback_url", "perms", "ctx"}:
            return Answer(400, f"unexpected parameters: {sorted(query)}".encode(), "text/plain")
        if (query["app_key"], query["callback_url"]) != (self.app_key, self.callback_url):
            return Answer(400, b"unknown application", "text/plain")
        code = fresh("c.")
        self.codes[code] = (tenant, query["perms"])
        return Answer.redirect(self.callback_url, auth_code=code, ctx=query["ctx"],
                               uid=f"{tenant}-4711")

    def fail(self, ret):
        self.refused.append(ret)
        return Answer.form(200, {"ret": ret, "msg": "request failed"})

    def redeem(self, tenant, form):
        if set(form) != {"action", "auth_code", "app_key", "app_secret"}:
            return self.fail(BAD_REQUEST)
        if (form["app_key"], form["app_secret"]) != (self.app_key, self.app_secret):
            return self.fail(BAD_CLIENT)
        issuer, perms = self.codes.pop(form["auth_code"], (None, None))
        if form["action"] != "redeem" or issuer != tenant:
            return self.fail(BAD_CODE)
        identifier = fresh("s-", 9)
        self.sessions[identifier] = session = {"tenant": tenant, "alive": True, "perms": perms}
        return self.issue(identifier, session)

    def renew(self, tenant, form):
        if set(form) != {"action", "renewal", "app_key", "app_secret"}:
            return self.fail(BAD_REQUEST)
        if (form["app_key"], form["app_secret"]) != (self.app_key, self.app_secret):
            return self.fail(BAD_CLIENT)
        if form["action"] != "renew":
            return self.fail(BAD_RENEWAL)
        if self.busy:
            self.busy -= 1
            return self.fail(BUSY)
        for identifier, session in self.sessions.items():
            if session["renewal"] == form["renewal"] and session["tenant"] == tenant:
                if session["alive"] and time.time() < session["renewal_expires"]:
                    return self.issue(identifier, session)
        return self.fail(RENEWAL_GONE)

    def issue(self, identifier, session):
        now = time.time()
        session.update(token=fresh("a."), renewal=fresh("r."), expires=now + self.lifetime,
                       renewal_expires=now + self.renewal_lifetime)
        return Answer.form(200, {
            "ret": SUCCESS, "msg": "ok", "token": session["token"], "renewal": session["renewal"],
            "ttl": int(self.lifetime * 1000), "renewal_ttl": self.renewal_lifetime * 1000,
            "perms": session["perms"], "session_id": identifier,
            "api_host": f"{session['tenant']}.api.palisade.example"})

    def holder(self, tenant, request):
        """The living session whose token the request presents."""
        token = request.headers.get("X-Palisade-Token")
        for identifier, session in self.sessions.items():
            if session["token"] == token and session["tenant"] == tenant and session["alive"]:
                if time.time() < session["expires"]:
                    return identifier, session
        return None, None

    def end(self, tenant, request):
        identifier, session = self.holder(tenant, request)
        if session is None:
            return Answer.json(404, {"ret": 40400, "msg": "no such session"})
        if request.path != f"/sessions/{identifier}":
            return Answer.json(200, {"ret": 40300, "msg": "not yours"})
        session["alive"] = False
        return Answer.json(200, {"ret": SUCCESS})

    def me(self, tenant, request):
        if self.holder(tenant, request)[1] is None:
            return Answer.json(401, {"ret": 40100})
        return Answer.json(200, {"ret": SUCCESS, "org": {"plan": "gold", "seats": 12},
                                 "people": [{"mail": f"anna@{tenant}.example"}]})

    def end_sessions(self, tenant):
        """The tenant's administrator ends all sessions."""
        with self.lock:
            for session in self.sessions.values():
                if session["tenant"] == tenant:
                    session["alive"] = False

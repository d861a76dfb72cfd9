# SPDX-License-Identifier: Apache-2.0
"""HeadHunter (hh.ru) as its public documentation has it (github.com/hhru/api, docs_eng).

What is unusual about it:

- A pair of tokens can be refreshed once, and only after the access token has expired. Before, the
  answer is 400, invalid_grant, "token not expired": the error of a grant that is gone, of one that
  is well. What is meant stands in error_description alone.
- The access token is invalidated by DELETE, with itself as the bearer token, while it is alive.
- Every request says in User-Agent which application it is and whom to write to.
- Errors of the token endpoint are those of RFC 6749; all others are a list, errors.
"""

import re
import time

from practice import Answer, PracticeProvider, fresh

AUTHORIZATION_HOST, API_HOST = "hh.ru", "api.hh.ru"
HOSTS = [AUTHORIZATION_HOST, API_HOST]


class HeadHunter(PracticeProvider):
    def __init__(self, directory, client_id, client_secret, redirect_uri, lifetime):
        self.client_id, self.client_secret = client_id, client_secret
        self.redirect_uri, self.lifetime = redirect_uri, lifetime
        self.codes, self.access, self.refresh = {}, {}, {}
        self.captcha = False  # while a guard in front of everything asks for a captcha
        super().__init__(directory)

    def answer(self, request):
        if self.captcha:
            return errors(403, "captcha_required")
        route = (request.method, request.host, request.path)
        if route == ("GET", AUTHORIZATION_HOST, "/oauth/authorize"):
            return self.authorize(request)
        if not re.search(r"\(\S+@\S+\)", request.headers.get("User-Agent", "")):
            return errors(400, "bad_user_agent", "blacklisted")
        if route == ("POST", AUTHORIZATION_HOST, "/oauth/token"):
            return self.token(request.form())
        if route == ("DELETE", API_HOST, "/oauth/token"):
            return self.invalidate(request)
        if route == ("GET", API_HOST, "/me"):
            return self.me(request)
        return errors(404, "not_found")

    def authorize(self, request):
        query = request.query
        if query.get("response_type") != "code" or query.get("client_id") != self.client_id:
            return Answer(400, b"<h1>invalid_request</h1>", "text/html")
        target = query.get("redirect_uri", self.redirect_uri)
        if target != self.redirect_uri:
            return Answer(400, b"<h1>bad redirect url</h1>", "text/html")
        code = fresh("HHC")
        self.codes[code] = query.get("redirect_uri")
        members = {"state": query["state"]} if "state" in query else {}
        return Answer.redirect(target, code=code, **members)

    def token(self, form):
        if form is None:
            return refusal("invalid_request", "bad content type")
        grant_type = form.get("grant_type")
        if grant_type == "refresh_token":
            return self.renew(form.get("refresh_token"))
        if grant_type != "authorization_code":
            return refusal("unsupported_grant_type", "unsupported grant_type")
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id,
                                                                  self.client_secret):
            return refusal("invalid_client", "client_id or client_secret not found")
        if form.get("code") not in self.codes:
            return refusal("invalid_request", "code not found")
        if self.codes.pop(form["code"]) != form.get("redirect_uri"):
            return refusal("invalid_request", "bad redirect url")
        return self.issue({"alive": True})

    def renew(self, token):
        if not token:
            return refusal("invalid_request", "token is empty")
        if token not in self.refresh:
            return refusal("invalid_request", "token not found")
        pair = self.refresh[token]
        if not pair["grant"]["alive"]:
            return refusal("invalid_grant", "token was revoked")
        if pair["used"]:
            return refusal("invalid_grant", "token has already been refreshed")
        if time.time() < pair["expires"]:
            return refusal("invalid_grant", "token not expired")
        pair["used"] = True
        return self.issue(pair["grant"])

    def issue(self, grant):
        access, refresh = fresh("USER"), fresh("RENEW")
        pair = {"grant": grant, "expires": time.time() + self.lifetime, "used": False}
        self.access[access] = self.refresh[refresh] = pair
        grant["access"] = access
        return Answer.json(200, {"access_token": access, "token_type": "bearer",
                                 "expires_in": self.lifetime, "refresh_token": refresh})

    def trouble(self, request):
        """What is wrong with the request's bearer token; None where nothing is."""
        pair = self.access.get(request.bearer())
        if pair is None or pair["grant"]["access"] != request.bearer():
            return errors(403, "oauth", "bad_authorization")
        if not pair["grant"]["alive"]:
            return errors(403, "oauth", "token_revoked")
        if time.time() >= pair["expires"]:
            return errors(403, "oauth", "token_expired")
        return None

    def invalidate(self, request):
        trouble = self.trouble(request)
        if trouble is None:
            self.access[request.bearer()]["grant"]["alive"] = False
        return trouble or Answer(204)

    def me(self, request):
        return self.trouble(request) or Answer.json(200, {
            "auth_type": "employer", "id": "5678", "email": "anna@example.com",
            "first_name": "Anna", "last_name": "Ivanova", "is_employer": True,
            "employer": {"id": "1455", "name": "Acme Recruiting"}, "manager": {"id": "90"}})

    def end_grants(self):
        """The users take back what they have consented to, on the provider's own page."""
        with self.lock:
            for pair in self.access.values():
                pair["grant"]["alive"] = False


def refusal(error, description):
    return Answer.json(400, {"error": error, "error_description": description})


def errors(status, kind, value=None):
    entry = {"type": kind} if value is None else {"type": kind, "value": value}
    return Answer.json(status, {"errors": [entry], "request_id": "1700000000000"})

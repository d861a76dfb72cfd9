# SPDX-License-Identifier: Apache-2.0
"""The authorization server of the MCP Python SDK: its routes, its handlers, and its bearer
middleware before one resource.

Ours are the pages and the storage, which it leaves to an `OAuthAuthorizationServerProvider`.
"""

import json
import secrets
import sqlite3
import time

import listening
import pages
import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

REGISTRATION = json.loads((listening.FOLDER / "registration.json").read_text())
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
-- A row for each token; `pair` is what came in one answer, `family` what came of one consent.
CREATE TABLE token (token TEXT PRIMARY KEY, kind TEXT, client_id TEXT, user TEXT, scope TEXT,
    expires INTEGER, pair INTEGER, family INTEGER, revoked INTEGER);
"""


class Provider(OAuthAuthorizationServerProvider):
    """What the SDK asks for: clients, codes and tokens."""

    def __init__(self):
        self.clients, self.asked, self.codes = {}, {}, {}
        self.database = sqlite3.connect(
            listening.FOLDER / "server.sqlite3", isolation_level=None, check_same_thread=False
        )
        self.database.row_factory = sqlite3.Row
        self.database.executescript(SCHEMA)

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        """Leads the user to the consent page."""
        request = secrets.token_urlsafe(32)
        self.asked[request] = (client, params)
        return f"{URL}/consent?request={request}"

    def approve(self, request):
        """The user consents: where the browser is sent with the code."""
        client, params = self.asked.pop(request)
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            scopes=params.scopes or [],
            expires_at=time.time() + 300,
            client_id=client.client_id,
            subject=REGISTRATION["user"],
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return construct_redirect_uri(
            str(params.redirect_uri), code=code.code, state=params.state
        )

    def deny(self, request):
        """The user does not."""
        _, params = self.asked.pop(request)
        return construct_redirect_uri(
            str(params.redirect_uri), error="access_denied", state=params.state
        )

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client, authorization_code):
        if self.codes.pop(authorization_code.code, None) is None:
            raise TokenError("invalid_grant", "authorization code was used before")
        return self.issue(client, authorization_code.scopes, authorization_code.subject, None)

    async def load_refresh_token(self, client, refresh_token):
        stored = self.find("refresh", refresh_token)
        if stored is None or stored["client_id"] != client.client_id:
            return None
        return RefreshToken(
            token=refresh_token,
            client_id=stored["client_id"],
            scopes=stored["scope"].split(),
            subject=stored["user"],
        )

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        stored = self.find("refresh", refresh_token.token)
        if stored is None:
            raise TokenError("invalid_grant", "refresh token does not exist")
        self.end("pair", stored["pair"])
        return self.issue(client, scopes, stored["user"], stored["family"])

    async def load_access_token(self, token):
        stored = self.find("access", token)
        if stored is None:
            return None
        return AccessToken(
            token=token,
            client_id=stored["client_id"],
            scopes=stored["scope"].split(),
            expires_at=stored["expires"],
            subject=stored["user"],
        )

    async def revoke_token(self, token):
        """Both, as the SDK asks for."""
        stored = self.find("refresh", token.token) or self.find("access", token.token)
        if stored:
            self.end("pair", stored["pair"])

    def find(self, kind, token):
        """A token that was not revoked; None where there is none."""
        return self.database.execute(
            "SELECT * FROM token WHERE token = ? AND kind = ? AND revoked IS NULL", (token, kind)
        ).fetchone()

    def end(self, column, value):
        """Revokes what is of that pair, or of that family."""
        self.database.execute(
            f"UPDATE token SET revoked = ? WHERE {column} = ? AND revoked IS NULL",
            (int(time.time()), value),
        )

    def issue(self, client, scopes, user, family):
        """A new pair."""
        (pair,) = self.database.execute("SELECT coalesce(max(pair), 0) + 1 FROM token").fetchone()
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        expires = int(time.time()) + listening.TOKEN_SECONDS
        for token, kind, end in ((access, "access", expires), (refresh, "refresh", None)):
            self.database.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (token, kind, client.client_id, user, " ".join(scopes), end, pair, family or pair),
            )
        return OAuthToken(
            access_token=access,
            refresh_token=refresh,
            expires_in=listening.TOKEN_SECONDS,
            scope=" ".join(scopes),
        )


async def login(request):
    """Asks who it is, and leads back."""
    if request.method == "GET":
        return HTMLResponse(pages.login())
    form = await request.form()
    if (form["username"], form["password"]) != (REGISTRATION["user"], REGISTRATION["password"]):
        return Response(status_code=403)
    request.session["user"] = form["username"]
    return RedirectResponse(request.session.pop("next", "/grants/"), 302)


def logged_in(respond):
    """A page for who is logged in; for others the way to the login page."""

    async def answer(request):
        if "user" not in request.session:
            request.session["next"] = str(request.url)
            return RedirectResponse("/login/", 302)
        return await respond(request)

    return answer


@logged_in
async def consent(request):
    """Asks the user whether a client may have what it asks for."""
    asked = request.query_params["request"]
    if asked not in provider.asked:
        return Response(status_code=404)
    client, params = provider.asked[asked]
    if request.method == "GET":
        return HTMLResponse(pages.consent(client.client_id, " ".join(params.scopes or [])))
    allows = "allow" in await request.form()
    return RedirectResponse(provider.approve(asked) if allows else provider.deny(asked), 302)


@logged_in
async def show_grants(request):
    """What the user has consented to."""
    rows = provider.database.execute("SELECT DISTINCT family FROM token")
    return HTMLResponse(pages.grants(row["family"] for row in rows))


@logged_in
async def end_grant(request):
    """Takes a consent back."""
    if request.method == "GET":
        return HTMLResponse(pages.end_grant())
    provider.end("family", request.path_params["family"])
    return RedirectResponse("/grants/", 302)


async def profile(scope, receive, send):
    """Says whose token it is: 200, or 401 where the token is not valid."""
    user = scope["user"].access_token.subject
    await JSONResponse({"user": user})(scope, receive, send)


class AnswerLog:
    """ASGI middleware: a line for each answer."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                listening.log_answer(scope["method"], scope["path"], message["status"])
            await send(message)

        await self.app(scope, receive, sending if scope["type"] == "http" else send)


listener, port = listening.listen()
URL = f"https://127.0.0.1:{port}"
provider = Provider()
for registered in REGISTRATION["clients"].values():
    provider.clients[registered["id"]] = OAuthClientInformationFull(
        client_id=registered["id"],
        client_secret=registered.get("secret"),
        redirect_uris=[REGISTRATION["redirectURI"]],
        token_endpoint_auth_method=registered["method"],
        grant_types=registered["grants"],
        scope="read write",
    )
scopes = ["read", "write"]
app = Starlette(
    routes=create_auth_routes(
        provider,
        # As such it ends in a slash: the URL with the path that it has on the wire.
        issuer_url=AnyHttpUrl(URL),
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=scopes, default_scopes=scopes
        ),
        revocation_options=RevocationOptions(enabled=True),
    )
    + [
        Route("/login/", login, methods=["GET", "POST"]),
        Route("/consent", consent, methods=["GET", "POST"]),
        Route("/grants/", show_grants),
        Route("/grants/{family:int}/delete/", end_grant, methods=["GET", "POST"]),
        Route("/profile/", RequireAuthMiddleware(profile, ["read"])),
    ],
    middleware=[
        Middleware(AnswerLog),
        Middleware(SessionMiddleware, secret_key=secrets.token_hex(32), https_only=True),
        Middleware(
            AuthenticationMiddleware, backend=BearerAuthBackend(ProviderTokenVerifier(provider))
        ),
    ],
)
server = uvicorn.Server(
    uvicorn.Config(
        app,
        ssl_certfile=listening.CERTIFICATE,
        ssl_keyfile=listening.KEY,
        timeout_graceful_shutdown=2,
    )
)
# Who connects before it serves is kept waiting by the socket.
listening.announce(port, lambda: setattr(server, "should_exit", True))
server.run(sockets=[listener])

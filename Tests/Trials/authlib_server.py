# SPDX-License-Identifier: Apache-2.0
"""Authlib as an authorization server, with what it leaves to the one who uses it: where things
are stored, how refresh tokens rotate, and one resource.

Each client says how its refresh tokens rotate: `never`; or replaced at each refresh, and the
replaced one taken for so many seconds longer. One that is presented later than that ends the
whole grant. A client may also `burn`: a request with the wrong secret ends the grant of its
refresh token, and is answered by 400 without a body, as some servers do.
"""

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from html import escape
from pathlib import Path

from authlib.integrations.flask_oauth2 import (
    AuthorizationServer,
    ResourceProtector,
    current_token,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, jsonify, request
from werkzeug.middleware.proxy_fix import ProxyFix

DATABASE = Path(os.environ["TRIAL_SERVER_FOLDER"]) / "server.sqlite3"
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE client (client_id TEXT PRIMARY KEY, secret TEXT, redirect_uri TEXT,
    rotation TEXT, burns INTEGER);
CREATE TABLE code (code TEXT PRIMARY KEY, client_id TEXT, user TEXT, redirect_uri TEXT,
    scope TEXT, challenge TEXT, method TEXT);
-- One row for each refresh; `family` is the row of the code exchange that began it all.
CREATE TABLE token (id INTEGER PRIMARY KEY, family INTEGER, client_id TEXT, user TEXT, scope TEXT,
    access_token TEXT, expires REAL, refresh_token TEXT, replaced REAL, ended REAL);
"""
# One request at a time at the token endpoint: what it reads there still holds when it writes.
one_at_a_time = threading.Lock()


@contextmanager
def database():
    """A connection whose changes are stored when the block ends."""
    connection = sqlite3.connect(DATABASE, timeout=60)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = OFF")
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def row(query, *values):
    """The first row of an answer, or None."""
    with database() as connection:
        return connection.execute(query, values).fetchone()


class Client:
    """A registered application."""

    def __init__(self, stored):
        self.stored = stored

    def get_client_id(self):
        return self.stored["client_id"]

    def get_default_redirect_uri(self):
        return self.stored["redirect_uri"]

    def get_allowed_scope(self, scope):
        return "read" if "read" in (scope or "read").split() else ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri == self.stored["redirect_uri"]

    def check_client_secret(self, client_secret):
        return client_secret == self.stored["secret"]

    def check_endpoint_auth_method(self, method, endpoint):
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in ("authorization_code", "refresh_token")


class Code:
    """An authorization code that was given out."""

    def __init__(self, stored):
        self.stored = stored
        self.code_challenge = stored["challenge"]
        self.code_challenge_method = stored["method"]

    def get_redirect_uri(self):
        return self.stored["redirect_uri"]

    def get_scope(self):
        return self.stored["scope"]


class Token:
    """A pair of tokens."""

    def __init__(self, stored):
        self.stored = stored

    def check_client(self, client):
        return self.stored["client_id"] == client.get_client_id()

    def get_scope(self):
        return self.stored["scope"]

    def get_expires_in(self):
        return self.stored["expires"] - time.time()

    def is_expired(self):
        return self.stored["expires"] < time.time()

    def is_revoked(self):
        return self.stored["ended"] is not None

    def get_user(self):
        return self.stored["user"]

    def get_client(self):
        return find_client(self.stored["client_id"])


def find_client(client_id):
    """The client of that id, or None."""
    stored = row("SELECT * FROM client WHERE client_id = ?", client_id)
    return stored and Client(stored)


def end_grant(family):
    """Nothing of that grant is good for anything any more."""
    with database() as connection:
        connection.execute(
            "UPDATE token SET ended = ? WHERE family = ? AND ended IS NULL", (time.time(), family)
        )


class CodeGrant(grants.AuthorizationCodeGrant):
    """RFC 6749 section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code, request):
        with database() as connection:
            connection.execute(
                "INSERT INTO code VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    code,
                    request.client.get_client_id(),
                    request.user,
                    request.payload.redirect_uri,
                    request.payload.scope,
                    request.payload.data.get("code_challenge"),
                    request.payload.data.get("code_challenge_method"),
                ),
            )

    def query_authorization_code(self, code, client):
        stored = row(
            "SELECT * FROM code WHERE code = ? AND client_id = ?", code, client.get_client_id()
        )
        return stored and Code(stored)

    def delete_authorization_code(self, authorization_code):
        with database() as connection:
            connection.execute(
                "DELETE FROM code WHERE code = ?", (authorization_code.stored["code"],)
            )

    def authenticate_user(self, authorization_code):
        return authorization_code.stored["user"]


class RefreshGrant(grants.RefreshTokenGrant):
    """RFC 6749 section 6, rotating as the client says."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self):
        return self.request.client.stored["rotation"] != "never"

    def authenticate_refresh_token(self, refresh_token):
        stored = row("SELECT * FROM token WHERE refresh_token = ? ORDER BY id DESC", refresh_token)
        if stored is None or stored["ended"] is not None:
            return None
        if stored["replaced"] is not None:
            grace = int(self.request.client.stored["rotation"])
            if time.time() > stored["replaced"] + grace:
                end_grant(stored["family"])
                return None
        return Token(stored)

    def authenticate_user(self, refresh_token):
        return refresh_token.stored["user"]

    def revoke_old_credential(self, refresh_token):
        if self.INCLUDE_NEW_REFRESH_TOKEN:
            with database() as connection:
                connection.execute(
                    "UPDATE token SET replaced = ? WHERE id = ? AND replaced IS NULL",
                    (time.time(), refresh_token.stored["id"]),
                )


class Revocation(RevocationEndpoint):
    """RFC 7009: either token ends both."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def query_token(self, token_string, token_type_hint):
        stored = row(
            "SELECT * FROM token WHERE access_token = ? OR refresh_token = ?",
            token_string,
            token_string,
        )
        return stored and Token(stored)

    def revoke_token(self, token, request):
        end_grant(token.stored["family"])


class AccessTokens(BearerTokenValidator):
    """RFC 6750."""

    def authenticate_token(self, token_string):
        stored = row("SELECT * FROM token WHERE access_token = ?", token_string)
        return stored and Token(stored)


def save_token(token, request):
    """Stores what is about to be answered."""
    old = getattr(request, "refresh_token", None)
    # Where tokens do not rotate, the same one is good after each refresh.
    refresh_token = token.get("refresh_token") or (old and old.stored["refresh_token"])
    with database() as connection:
        stored = connection.execute(
            "INSERT INTO token VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (
                old and old.stored["family"],
                request.client.get_client_id(),
                request.user,
                token["scope"],
                token["access_token"],
                time.time() + token["expires_in"],
                refresh_token,
            ),
        )
        connection.execute(
            "UPDATE token SET family = id WHERE id = ? AND family IS NULL", (stored.lastrowid,)
        )


with sqlite3.connect(DATABASE) as creating:
    creating.executescript(SCHEMA)

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"authorization_code": 3600, "refresh_token": 3600}
server = AuthorizationServer(app, query_client=find_client, save_token=save_token)
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
server.register_grant(RefreshGrant)
server.register_endpoint(Revocation)
protect = ResourceProtector()
protect.register_token_validator(AccessTokens())


@app.route("/authorize", methods=["GET", "POST"])
def authorize():
    """Login and consent on one page."""
    try:
        grant = server.get_consent_grant(end_user=None)
    except OAuth2Error as error:
        return jsonify(dict(error.get_body())), error.status_code
    if request.method == "GET":
        return (
            f'<form method="post" action="{escape(request.full_path)}"><input name="username">'
            '<input type="submit" name="allow" value="Authorize"></form>'
        )
    return server.create_authorization_response(grant_user=request.form["username"], grant=grant)


@app.post("/token")
def token():
    """Codes and refresh tokens for tokens."""
    with one_at_a_time:
        response = server.create_token_response()
        if response.status_code == 401 and burn(request):
            return Response(status=400)
        return response


def burn(request):
    """Whether the refresh token's client burns, after doing so."""
    stored = row(
        "SELECT family FROM token JOIN client USING (client_id) WHERE refresh_token = ? AND burns",
        request.form.get("refresh_token", ""),
    )
    if stored:
        end_grant(stored["family"])
    return stored is not None


@app.post("/revoke")
def revoke():
    """Ends a grant."""
    with one_at_a_time:
        return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.get("/profile")
@protect("read")
def profile():
    """Says whose token it is: 200, or 401 where the token is not valid."""
    return jsonify(user=current_token.get_user())

# SPDX-License-Identifier: Apache-2.0
"""The server half of Authlib in Flask, as its documentation has it: its own models on SQLAlchemy,
its own endpoints, and in the methods that it leaves to its user what the documentation shows.

Ours are the pages, and what becomes of a refresh token that comes twice: its whole family ends
(RFC 9700 section 4.14.2), which Authlib leaves to `authenticate_refresh_token`.
"""

import json
import os
import secrets
import threading
import time

from authlib.integrations.flask_oauth2 import (
    AuthorizationServer,
    ResourceProtector,
    current_token,
)
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_bearer_token_validator,
    create_query_client_func,
    create_query_token_func,
    create_revocation_endpoint,
)
from authlib.oauth2 import rfc8414, rfc9207
from authlib.oauth2.rfc6749 import InvalidClientError, OAuth2Error, grants
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialMixin,
)
from flask import Flask, abort, jsonify, redirect, request, session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from listening import FOLDER, TOKEN_SECONDS, log_answer
from sqlalchemy import Column, Integer, String, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, scoped_session, sessionmaker

import pages

ISSUER = os.environ["REAL_SERVER_URL"]
REGISTRATION = json.loads((FOLDER / "registration.json").read_text())
# The seconds between two questions whether the user has approved a device.
DEVICE_INTERVAL_SECONDS = 1
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
KEY_TYPES = {"rsa": "RSA", "ec": "EC", "ed25519": "OKP"}

engine = create_engine(f"sqlite:///{FOLDER / 'server.sqlite3'}", connect_args={"timeout": 60})
db = scoped_session(sessionmaker(engine))


class Model(DeclarativeBase):
    """A table with a number."""

    id = Column(Integer, primary_key=True)


class User:
    """The one user."""

    def get_user_id(self):
        return REGISTRATION["user"]


class Client(Model, OAuth2ClientMixin):
    """A registered client."""

    __tablename__ = "client"


class Code(Model, OAuth2AuthorizationCodeMixin):
    """An authorization code that was given out."""

    __tablename__ = "code"
    user_id = Column(String)


class Token(Model, OAuth2TokenMixin):
    """A pair of tokens; `family` is the first pair of its grant."""

    __tablename__ = "token"
    user_id = Column(String)
    family = Column(Integer)

    def get_user(self):
        return User() if self.user_id else None

    def get_client(self):
        return query_client(self.client_id)


class Device(Model, DeviceCredentialMixin):
    """A device that asks, and what the user said: 1 for yes, 0 for no."""

    __tablename__ = "device"
    client_id, scope = Column(String), Column(Text)
    device_code, user_code = Column(String), Column(String)
    expires_at, polled_at = Column(Integer), Column(Integer, default=0)
    approved = Column(Integer)

    def get_client_id(self):
        return self.client_id

    def get_scope(self):
        return self.scope

    def get_user_code(self):
        return self.user_code

    def is_expired(self):
        return self.expires_at < time.time()


class UsedAssertion(Model):
    """The `jti` of an assertion that was taken."""

    __tablename__ = "used_assertion"
    jti = Column(String, unique=True)


query_client = create_query_client_func(db, Client)
query_token = create_query_token_func(db, Token)


def save_token(token, request):
    """Stores what is about to be answered."""
    # The form also holds one, as text.
    old = getattr(request, "refresh_token", None)
    item = Token(
        client_id=request.client.client_id,
        user_id=request.user.get_user_id() if request.user else None,
        family=old.family if old else None,
        **token,
    )
    db.add(item)
    db.flush()
    item.family = item.family or item.id
    db.commit()


def end_family(family):
    """No token of that grant is good for anything any more."""
    now = int(time.time())
    for token in db.query(Token).filter_by(family=family):
        token.access_token_revoked_at = token.access_token_revoked_at or now
        token.refresh_token_revoked_at = token.refresh_token_revoked_at or now
    db.commit()


METHODS = ["client_secret_basic", "client_secret_post", "client_assertion_jwt"]


class CodeGrant(grants.AuthorizationCodeGrant):
    """RFC 6749 section 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code, request):
        db.add(
            Code(
                code=code,
                client_id=request.client.client_id,
                redirect_uri=request.payload.redirect_uri,
                scope=request.payload.scope,
                user_id=request.user.get_user_id(),
                code_challenge=request.payload.data.get("code_challenge"),
                code_challenge_method=request.payload.data.get("code_challenge_method"),
            )
        )
        db.commit()

    def query_authorization_code(self, code, client):
        item = db.query(Code).filter_by(code=code, client_id=client.client_id).first()
        return item if item and not item.is_expired() else None

    def delete_authorization_code(self, authorization_code):
        db.delete(authorization_code)
        db.commit()

    def authenticate_user(self, authorization_code):
        return User()


class RefreshGrant(grants.RefreshTokenGrant):
    """RFC 6749 section 6, with a new refresh token each time."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        item = db.query(Token).filter_by(refresh_token=refresh_token).first()
        if item and item.refresh_token_revoked_at:
            end_family(item.family)
            return None
        return item

    def authenticate_user(self, refresh_token):
        return refresh_token.get_user()

    def revoke_old_credential(self, refresh_token):
        now = int(time.time())
        refresh_token.access_token_revoked_at = refresh_token.refresh_token_revoked_at = now
        db.commit()


class MachineGrant(grants.ClientCredentialsGrant):
    """RFC 6749 section 4.4."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class DeviceGrant(DeviceCodeGrant):
    """RFC 8628 section 3.4."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_device_credential(self, device_code):
        return db.query(Device).filter_by(device_code=device_code).first()

    def query_user_grant(self, user_code):
        item = db.query(Device).filter_by(user_code=user_code).first()
        if item.approved is None:
            return None
        return User(), bool(item.approved)

    def should_slow_down(self, credential):
        # Half a second of grace: the network is not always as fast.
        now = time.time()
        too_soon = now < credential.polled_at + DEVICE_INTERVAL_SECONDS - 0.5
        credential.polled_at = now
        db.commit()
        return too_soon


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    """RFC 8628 section 3.1."""

    CLIENT_AUTH_METHODS = METHODS
    EXPIRES_IN = 600
    INTERVAL = DEVICE_INTERVAL_SECONDS

    def get_verification_uri(self):
        return f"{ISSUER}/device"

    def save_device_credential(self, client_id, scope, data):
        db.add(
            Device(
                client_id=client_id,
                scope=scope,
                device_code=data["device_code"],
                user_code=data["user_code"],
                expires_at=int(time.time()) + data["expires_in"],
            )
        )
        db.commit()


class PrivateKeyJWT(JWTBearerClientAssertion):
    """RFC 7523 section 2.2, by the keys that the client registered."""

    def get_audiences(self):
        return [ISSUER, f"{ISSUER}/token"]

    def validate_jti(self, claims, jti):
        if db.query(UsedAssertion).filter_by(jti=jti).first():
            return False
        db.add(UsedAssertion(jti=jti))
        db.commit()
        return True

    def process_assertion_claims(self, assertion, resolve_key):
        # By itself it takes RS256 and ES256 alone.
        try:
            claims = jwt.decode(assertion, resolve_key, algorithms=ALGORITHMS).claims
        except JoseError as error:
            raise InvalidClientError(description=str(error)) from error
        self.verify_claims(claims)
        return claims

    def resolve_client_public_key(self, client):
        return KeySet.import_key_set(client.jwks)


class Revocation(create_revocation_endpoint(db, Token)):
    """RFC 7009. Who names an access token ends that and no other."""

    CLIENT_AUTH_METHODS = METHODS


class Introspection(IntrospectionEndpoint):
    """RFC 7662."""

    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string, token_type_hint):
        return query_token(token_string, token_type_hint)

    def check_permission(self, token, client, request):
        return token.client_id == client.client_id

    def introspect_token(self, token):
        return {"active": True, "client_id": token.client_id, "scope": token.get_scope()}


class Issuer(rfc9207.IssuerParameter):
    """RFC 9207."""

    def get_issuer(self):
        return ISSUER


def public_keys():
    """The public halves of what clients sign with, each by the name of its file."""
    return [
        import_key(path.read_bytes(), kty, {"kid": path.stem}).as_dict()
        for path, kty in ((FOLDER / f"{name}.pub", kty) for name, kty in KEY_TYPES.items())
    ]


def register_clients():
    """Those of registration.json."""
    for client in REGISTRATION["clients"].values():
        item = Client(client_id=client["id"], client_secret=client.get("secret", ""))
        item.set_client_metadata(
            {
                "redirect_uris": [REGISTRATION["redirectURI"]],
                "grant_types": client["grants"],
                "response_types": ["code"],
                # The name under which Authlib takes `private_key_jwt`.
                "token_endpoint_auth_method": {"private_key_jwt": "client_assertion_jwt"}.get(
                    client["method"], client["method"]
                ),
                "scope": "read write",
                "jwks": {"keys": public_keys()},
            }
        )
        db.add(item)
    db.commit()


Model.metadata.create_all(engine)
register_clients()

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
app.config |= {
    "SESSION_COOKIE_SECURE": True,
    "OAUTH2_SCOPES_SUPPORTED": ["read", "write"],
    "OAUTH2_REFRESH_TOKEN_GENERATOR": True,
    "OAUTH2_TOKEN_EXPIRES_IN": {
        grant: TOKEN_SECONDS
        for grant in (
            "authorization_code",
            "refresh_token",
            "client_credentials",
            DEVICE_CODE_GRANT_TYPE,
        )
    },
}
server = AuthorizationServer(app, query_client=query_client, save_token=save_token)
server.register_client_auth_method(PrivateKeyJWT.CLIENT_AUTH_METHOD, PrivateKeyJWT())
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
for grant in (RefreshGrant, MachineGrant, DeviceGrant):
    server.register_grant(grant)
for endpoint in (Revocation, Introspection, DeviceEndpoint):
    server.register_endpoint(endpoint)
server.register_extension(Issuer())
protect = ResourceProtector()
protect.register_token_validator(create_bearer_token_validator(db, Token)())
# One request at a time: what it reads still holds when it writes.
one_at_a_time = threading.Lock()


@app.after_request
def log(response):
    log_answer(request.method, request.path, response.status_code)
    return response


@app.teardown_appcontext
def end_session(_):
    db.remove()


@app.route("/login/", methods=["GET", "POST"])
def login():
    """Asks who it is, and leads back."""
    if request.method == "GET":
        return pages.login()
    given = request.form["username"], request.form["password"]
    if given != (REGISTRATION["user"], REGISTRATION["password"]):
        abort(403)
    session["user"] = given[0]
    return redirect(session.pop("next", "/grants/"))


def must_log_in():
    """The way to the login page for who is not logged in."""
    if "user" in session:
        return None
    session["next"] = request.full_path
    return redirect("/login/")


@app.route("/authorize", methods=["GET", "POST"])
def authorize():
    """Asks the user whether a client may have what it asks for."""
    user = User() if "user" in session else None
    try:
        grant = server.get_consent_grant(end_user=user)
    except OAuth2Error as error:
        return server.handle_error_response(None, error)
    if not user:
        return must_log_in()
    if request.method == "GET":
        return pages.consent(grant.client.client_id, grant.request.payload.scope)
    return server.create_authorization_response(
        grant_user=user if "allow" in request.form else None, grant=grant
    )


@app.post("/token")
def token():
    """What brings tokens."""
    with one_at_a_time:
        return server.create_token_response()


@app.post("/revoke")
def revoke():
    """Ends a token."""
    with one_at_a_time:
        return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.post("/introspect")
def introspect():
    """Says whether a token is good."""
    return server.create_endpoint_response(Introspection.ENDPOINT_NAME)


@app.post("/device_authorization")
def device_authorization():
    """Gives a device its codes."""
    return server.create_endpoint_response(DeviceEndpoint.ENDPOINT_NAME)


@app.route("/device", methods=["GET", "POST"])
def device():
    """Asks the user whether a device may have what it asks for."""
    if away := must_log_in():
        return away
    user_code = request.values.get("user_code", "")
    item = db.query(Device).filter_by(user_code=user_code, approved=None).first()
    if item is None or item.is_expired():
        abort(404)
    if request.method == "GET":
        return pages.consent(item.client_id, item.scope, user_code=user_code)
    item.approved = int("allow" in request.form)
    db.commit()
    return pages.page("Done", "")


@app.get("/grants/")
def show_grants():
    """What the user has consented to."""
    if away := must_log_in():
        return away
    families = db.query(Token.family).filter_by(user_id=session["user"]).distinct()
    return pages.grants(family for (family,) in families)


@app.route("/grants/<int:family>/delete/", methods=["GET", "POST"])
def end_grant(family):
    """Takes a consent back."""
    if away := must_log_in():
        return away
    if request.method == "GET":
        return pages.end_grant()
    with one_at_a_time:
        end_family(family)
    return redirect("/grants/")


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    """What the server says of itself (RFC 8414)."""
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    document = rfc8414.AuthorizationServerMetadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        revocation_endpoint=f"{ISSUER}/revoke",
        introspection_endpoint=f"{ISSUER}/introspect",
        device_authorization_endpoint=f"{ISSUER}/device_authorization",
        scopes_supported=["read", "write"],
        response_types_supported=["code"],
        grant_types_supported=[
            "authorization_code",
            "refresh_token",
            "client_credentials",
            DEVICE_CODE_GRANT_TYPE,
        ],
        token_endpoint_auth_methods_supported=methods,
        token_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
    )
    document.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    return jsonify(document)


@app.get("/profile/")
@protect("read")
def profile():
    """Says whose token it is: 200, or 401 where the token is not valid."""
    return jsonify(user=current_token.user_id)

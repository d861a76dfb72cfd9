# SPDX-License-Identifier: Apache-2.0
"""Another client at a server: Authlib's client half. What a server offers is judged by it before
the vault is: other_client.py FOLDER django|authlib|mcp.

Fails at the first thing that is not as it should be; else prints what was done, a word each.
"""

import base64
import json
import os
import subprocess
import sys
import time
import urllib.parse
import uuid
from pathlib import Path

from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

HERE = Path(__file__).parent
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGNATURES = [
    ("rsa", RSAKey, "RS256"),
    ("rsa", RSAKey, "PS256"),
    ("ec", ECKey, "ES256"),
    ("ed25519", OKPKey, "EdDSA"),
]
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def encoded_basic(client, method, uri, headers, body):
    """HTTP Basic as RFC 6749 section 2.3.1 has it; Authlib leaves out the encoding."""
    pair = ":".join(
        urllib.parse.quote(name, safe="") for name in (client.client_id, client.client_secret)
    )
    headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return uri, headers, body


class OtherClient:
    """A client of one server."""

    def __init__(self, folder):
        self.folder = folder
        self.registration = json.loads((folder / "registration.json").read_text())
        self.url = f"https://127.0.0.1:{(folder / 'port').read_text()}"
        # For requests, which looks nowhere else for it where a session is not told.
        os.environ["REQUESTS_CA_BUNDLE"] = str(folder / "ca.pem")

    def session(self, use, **more):
        """A session as the client for that use."""
        client = self.registration["clients"][use]
        session = OAuth2Session(
            client["id"], client.get("secret"), token_endpoint_auth_method=client["method"], **more
        )
        if client["method"] == "client_secret_basic":
            session.register_client_auth_method(("client_secret_basic", encoded_basic))
        return session

    def document(self, name):
        """A metadata document, and that it is the server's own."""
        answer = OAuth2Session().get(f"{self.url}/.well-known/{name}", withhold_token=True)
        assert answer.status_code == 200, (name, answer.status_code)
        document = answer.json()
        assert document["issuer"].rstrip("/") == self.url, document
        return document

    def visit(self, url, choice="approve"):
        """The user at the browser."""
        visit = subprocess.run(
            [sys.executable, HERE / "browser.py", self.folder, choice],
            input=url,
            text=True,
            capture_output=True,
            check=True,
        )
        return json.loads(visit.stdout)

    def go_through_code(self, use, metadata, more):
        """Authorization code with PKCE, a refresh, and the resource."""
        session = self.session(
            use, scope="read", redirect_uri=self.registration["redirectURI"]
        )
        session.code_challenge_method = "S256"
        verifier = "v" * 64
        url, state = session.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier
        )
        token = session.fetch_token(
            metadata["token_endpoint"],
            authorization_response=self.visit(url)["location"],
            state=state,
            code_verifier=verifier,
            **more,
        )
        token = session.refresh_token(metadata["token_endpoint"], token["refresh_token"], **more)
        # By hand: it takes a token that is to expire within a minute for one that has.
        profile = session.get(
            f"{self.url}/profile/",
            headers={"Authorization": f"Bearer {token['access_token']}"},
            withhold_token=True,
        )
        assert profile.status_code == 200, profile.text

    def go_alone(self, metadata):
        """Client credentials."""
        token = self.session("machine").fetch_token(
            metadata["token_endpoint"], grant_type="client_credentials", scope="read"
        )
        assert token["access_token"] and "refresh_token" not in token, token.keys()

    def sign(self, metadata, name, kind_of_key, algorithm):
        """`private_key_jwt`, once and no second time."""
        key = kind_of_key.import_key((self.folder / f"{name}.key").read_bytes())
        client = self.registration["clients"]["key"]["id"]
        claims = {
            "iss": client,
            "sub": client,
            "aud": metadata["token_endpoint"],
            "exp": int(time.time()) + 60,
            "jti": uuid.uuid4().hex,
        }
        # By hand: Authlib's client half signs with two of them alone.
        form = {
            "grant_type": "client_credentials",
            "scope": "read",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(
                {"alg": algorithm, "kid": name}, claims, key, [algorithm]
            ),
        }
        answers = [post(metadata["token_endpoint"], form) for _ in range(2)]
        assert answers[0].get("access_token"), answers
        assert answers[1]["error"] == "invalid_client", "an assertion is taken twice"

    def go_through_device(self, endpoint, metadata, is_told_to_slow_down):
        """The device's flow."""
        device = self.registration["clients"]["device"]
        names = {"client_id": device["id"], "client_secret": device["secret"]}
        codes = post(endpoint, names | {"scope": "read"})
        poll = names | {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"]}
        pending = post(metadata["token_endpoint"], poll)
        assert pending["error"] == "authorization_pending", pending
        if is_told_to_slow_down:
            hasty = post(metadata["token_endpoint"], poll)
            assert hasty["error"] == "slow_down", hasty
        self.visit(codes["verification_uri_complete"])
        time.sleep(codes["interval"])
        token = post(metadata["token_endpoint"], poll)
        assert token.get("access_token") and token.get("refresh_token"), token


def post(url, form):
    """What is answered to a form."""
    return OAuth2Session().post(url, data=form, withhold_token=True).json()


def main(folder, kind):
    """Does all that the server offers."""
    client, done = OtherClient(folder), []
    uses = client.registration["clients"]
    metadata = client.document("oauth-authorization-server")
    done.append("metadata")
    if kind == "django":
        assert client.document("openid-configuration")["jwks_uri"]
        done.append("openid")
    for use in ("code-basic", "code-post"):
        # The MCP SDK demands the id in the body, whatever is in the header.
        more = {"client_id": uses[use]["id"]} if kind == "mcp" else {}
        client.go_through_code(use, metadata, more)
        done.append(use)
    if "machine" in uses:
        client.go_alone(metadata)
        done.append("machine")
    if "key" in uses:
        for name, kind_of_key, algorithm in SIGNATURES:
            client.sign(metadata, name, kind_of_key, algorithm)
            done.append(algorithm)
    if "device" in uses:
        # The documents of django-oauth-toolkit do not name it, nor does it say slow_down.
        endpoint = metadata.get("device_authorization_endpoint")
        client.go_through_device(
            endpoint or f"{client.url}/device-authorization/", metadata, kind == "authlib"
        )
        done.append("device")
    print(" ".join(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

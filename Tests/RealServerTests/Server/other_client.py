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


def main(folder, kind):
    """Does all that the server offers."""
    client, done = OtherClient(folder), []
    metadata = client.document("oauth-authorization-server")
    done.append("metadata")
    if kind == "django":
        assert client.document("openid-configuration")["jwks_uri"]
        done.append("openid")

    uses = client.registration["clients"]
    for use in ("code-basic", "code-post"):
        redirect = client.registration["redirectURI"]
        session = client.session(use, scope="read", redirect_uri=redirect)
        session.code_challenge_method = "S256"
        verifier = "v" * 64
        url, state = session.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier
        )
        back = client.visit(url)["location"]
        more = {}
        if kind == "mcp":
            # It demands the id in the body whatever is in the header.
            more["client_id"] = uses[use]["id"]
        token = session.fetch_token(
            metadata["token_endpoint"],
            authorization_response=back,
            state=state,
            code_verifier=verifier,
            **more,
        )
        token = session.refresh_token(
            metadata["token_endpoint"], token["refresh_token"], **more
        )
        # By hand: it takes a token that is to expire within a minute for one that has.
        profile = session.get(
            f"{client.url}/profile/",
            headers={"Authorization": f"Bearer {token['access_token']}"},
            withhold_token=True,
        )
        assert profile.status_code == 200, profile.text
        done.append(use)

    if "machine" in uses:
        token = client.session("machine").fetch_token(
            metadata["token_endpoint"], grant_type="client_credentials", scope="read"
        )
        assert token["access_token"] and "refresh_token" not in token, token.keys()
        done.append("machine")

    for name, kind_of_key, algorithm in SIGNATURES if "key" in uses else []:
        key = kind_of_key.import_key((folder / f"{name}.key").read_bytes())
        claims = {
            "iss": uses["key"]["id"],
            "sub": uses["key"]["id"],
            "aud": metadata["token_endpoint"],
            "exp": int(time.time()) + 60,
            "jti": uuid.uuid4().hex,
        }
        # By hand: Authlib's client half signs with two of them alone.
        assertion = jwt.encode({"alg": algorithm, "kid": name}, claims, key, [algorithm])
        answers = [
            OAuth2Session().post(
                metadata["token_endpoint"],
                data={
                    "grant_type": "client_credentials",
                    "scope": "read",
                    "client_assertion_type": ASSERTION_TYPE,
                    "client_assertion": assertion,
                },
                withhold_token=True,
            )
            for _ in range(2)
        ]
        assert answers[0].json().get("access_token"), answers[0].text
        assert answers[1].json()["error"] == "invalid_client", "an assertion is taken twice"
        done.append(algorithm)

    if "device" in uses:
        device = uses["device"]
        session = client.session("device")
        endpoint = metadata.get("device_authorization_endpoint")
        if kind == "django":
            # Its documents do not name it.
            endpoint = f"{client.url}/device-authorization/"
        answer = session.post(
            endpoint,
            data={
                "client_id": device["id"],
                "client_secret": device["secret"],
                "scope": "read",
            },
            withhold_token=True,
        )
        assert answer.status_code == 200, answer.text
        codes = answer.json()
        poll = {
            "grant_type": DEVICE_GRANT,
            "device_code": codes["device_code"],
            "client_id": device["id"],
            "client_secret": device["secret"],
        }

        def ask():
            return session.post(metadata["token_endpoint"], data=poll, withhold_token=True).json()

        pending = ask()
        assert pending["error"] == "authorization_pending", pending
        if kind == "authlib":
            hasty = ask()
            assert hasty["error"] == "slow_down", hasty
        client.visit(codes["verification_uri_complete"])
        time.sleep(codes["interval"])
        token = ask()
        assert token.get("access_token") and token.get("refresh_token"), token
        done.append("device")
    print(" ".join(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

# SPDX-License-Identifier: Apache-2.0
"""The token endpoint fails: each command is a process of its own."""

import datetime
import signal
import socket

from provider import Answer, error, tokens

CASES = []


def case(title):
    """Lists a function as a case of this group."""
    return lambda function: CASES.append((title, function)) or function


def answered(title, answer, *more, **settings):
    """A case in which a refresh is answered so."""

    def play(desk):
        desk.vault()
        desk.app_defined(**settings)
        desk.connect()
        desk.provider.token = answer
        for words in more:
            desk.run(*words)
        desk.fail("refresh", "anna")

    CASES.append((title, play))


@case("nobody listens at the token endpoint")
def refused(desk):
    desk.ready()
    desk.provider.stop()
    desk.fail("refresh", "anna")


@case("the token endpoint's host name does not exist")
def unknown_host(desk):
    desk.vault()
    desk.app_defined(token_endpoint="https://login.invalid/token")
    desk.connect(run=True)


answered("the provider closes the connection without an answer", Answer(cut=True))
answered("the provider answers 503", Answer(status=503, body="down", kind="text/plain"))
answered("the provider answers 500 with a page", Answer(500, "<html>", "text/html"))
answered("the provider answers 429, Retry-After: 120", Answer(429, headers={"Retry-After": "120"}))
answered("a refresh a second time, after 429 with Retry-After: 120",
         Answer(429, headers={"Retry-After": "120"}), ("refresh", "anna"))
answered("the provider answers 429 without Retry-After", Answer(429))
answered("the provider does not answer, and never rotates refresh tokens", Answer(silent=True),
         rotation="never")
answered("the token endpoint does not exist (404)", Answer(404, "<html>not found", "text/html"))
answered("the token endpoint redirects", Answer(302, headers={"Location": "/elsewhere"}))
answered("200 with an HTML page", Answer(body="<html>maintenance</html>", kind="text/html"))
answered("200 with an empty object", Answer(body={}))
answered("200 with half an object", Answer(body='{"access_token": "at'))
answered("200 with a token type of its own", tokens(1, token_type="MAC"))
answered("invalid_client, 401", error("invalid_client", 401))
answered("invalid_grant", error("invalid_grant", error_description="Token was revoked"))
answered("a refresh after invalid_grant", error("invalid_grant"), ("refresh", "anna"))
answered("400 without a body", Answer(400))
answered("invalid_request at a refresh", error("invalid_request"))
answered("invalid_scope at a refresh", error("invalid_scope"))
answered("unauthorized_client at a refresh", error("unauthorized_client"))
answered("an error code of the provider's own (GitHub's bad_refresh_token in a 200)",
         error("bad_refresh_token", 200))


@case("the provider does not answer, and rotates refresh tokens; the user presses Ctrl-C")
def interrupted(desk):
    desk.ready()
    desk.provider.token = Answer(silent=True)
    child = desk.start("refresh", "anna")
    line = desk.line(child, "outstanding", child.stderr)
    child.send_signal(signal.SIGINT)
    desk.failure = desk.end(child, ["refresh", "anna"])
    desk.failure.err = line + desk.failure.err


def expired(title, answer, **members):
    """A case in which the access token has expired, and its refresh is answered so."""

    def play(desk):
        desk.vault()
        desk.app()
        desk.provider.token = tokens(expires_in=1, **members)
        desk.connect()
        desk.until(lambda status: status.get("light") == "red" or lapsed(status), "expired")
        desk.provider.token = answer
        desk.fail("token", "anna")

    CASES.append((title, play))


def lapsed(status):
    """Whether the status says that the access token has expired."""
    moment = status.get("expires") or status.get("expires_at")
    now = datetime.datetime.now(datetime.timezone.utc)
    return bool(moment) and datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")) < now


expired("the token has expired, and there is no refresh token", Answer(500), refresh_token=None)
expired("the token has expired, and the provider answers 503", Answer(503))
expired("the token has expired, and the provider answers 403", Answer(403, "no", "text/plain"))
expired("the token has expired, and the token endpoint does not exist (404)",
        Answer(404, "<html>not found", "text/html"))


def tls(title, at_connect, certificate, **options):
    """A case in which the provider's certificate is this one."""

    def play(desk):
        desk.options = options.get("words", ["--ca-file", desk.certificates.ca_file])
        desk.options = [*desk.options, "--allow-loopback-http"]
        desk.use_tls(desk.certificates.pair("good"))
        desk.vault()
        desk.app()
        if not at_connect:
            desk.connect()
        desk.provider.certify(desk.certificates.pair(certificate))
        if at_connect:
            desk.connect(run=True)
        else:
            desk.fail("refresh", "anna")

    CASES.append((title, play))


tls("the certificate is of an authority that nobody trusts", True, "untrusted")
tls("the certificate is self-signed, and no --ca-file", True, "self_signed", words=[])
tls("the certificate has expired", False, "expired")
tls("the certificate is another host's", False, "misnamed")


@case("the token endpoint is https, and speaks plain HTTP")
def no_tls(desk):
    desk.vault()
    desk.app_defined(token_endpoint=desk.provider.url.replace("http:", "https:") + "/token")
    desk.connect(run=True)


@case("an endpoint on loopback over HTTP, without --allow-loopback-http")
def guard_http(desk):
    desk.ready()
    desk.options = []
    desk.fail("refresh", "anna")


@case("app add: an endpoint on a private address, without --allow-loopback-http")
def guard_address(desk):
    desk.options = []
    desk.vault()
    desk.define(token_endpoint="https://10.1.2.3/token")
    desk.app("--provider", "crm.yaml", endpoints=False, run=desk.fail)
    desk.log_of = desk.status_of = []


@case("the token endpoint's name resolves to a private address")
def guard_name(desk):
    desk.options = []
    desk.vault()
    name = f"https://{socket.gethostname()}"
    endpoints = {f"{each}_endpoint": f"{name}/{each}" for each in ("authorization", "revocation")}
    desk.app_defined(token_endpoint=f"{name}:{desk.provider.port}/token", **endpoints)
    desk.connect(run=True)


@case("the provider is down at the exchange of the code (503)")
def exchange_503(desk):
    desk.vault()
    desk.app()
    desk.provider.token = Answer(503)
    desk.connect(run=True)

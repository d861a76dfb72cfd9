# SPDX-License-Identifier: Apache-2.0
"""Discovery: what an issuer publishes and cannot be meant, or says otherwise than before."""

from listing import lister
from provider import Answer

CASES = []
case = lister(CASES)
PATHS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


def publish(desk, answer=None, **members):
    """The issuer's document from now on."""
    url = desk.provider.url
    document = {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    } | members
    document = {name: value for name, value in document.items() if value is not None}
    for path in PATHS:
        desk.provider.at[path] = answer or Answer(body=document)


def discovered(desk, *more, run=None, issuer=None):
    """Adds the application by its issuer."""
    return desk.app("--issuer", issuer or desk.provider.url, *more, endpoints=False, run=run)


def published(title, answer=None, **members):
    """A case in which `app add --issuer` finds this."""

    @case(title)
    def play(desk):
        publish(desk, answer, **members)
        discovered(desk, run=desk.fail)


published("the issuer publishes no document (404)", Answer(404, "<html>", "text/html"))
published("the issuer publishes a page", Answer(body="<html>hello</html>", kind="text/html"))
published("the issuer is down (503)", Answer(503))
published("the document is another issuer's", issuer="https://other.example")
published("the document has a token endpoint over HTTP",
          token_endpoint="http://login.example.com/token")
published("the document has no token endpoint", token_endpoint=None)
published("the document has no PKCE S256", code_challenge_methods_supported=["plain"])
published("the document has no way of client authentication that is known",
          token_endpoint_auth_methods_supported=["tls_client_auth"])


@case("an issuer without https://")
def malformed(desk):
    discovered(desk, issuer="login.example.com", run=desk.fail)


@case("an issuer with a query")
def with_query(desk):
    discovered(desk, issuer="https://login.example.com?tenant=acme", run=desk.fail)


@case("the issuer cannot be reached")
def unreachable(desk):
    desk.provider.stop()
    discovered(desk, run=desk.fail)


@case("a definition contradicts the issuer")
def contradicted(desk):
    publish(desk)
    desk.write("crm.yaml", "name: crm\ntoken_endpoint: https://login.example.com/token\n")
    discovered(desk, "--provider", "crm.yaml", run=desk.fail)


@case("an endpoint's host changed, without --accept-change")
def changed(desk):
    publish(desk)
    discovered(desk)
    publish(desk, token_endpoint="https://login.example.com/token")
    desk.fail("app", "refresh-issuer", "crm")
    desk.must("app", "refresh-issuer", "crm", "--accept-change")


@case("refresh-issuer of an application that was not discovered")
def not_discovered(desk):
    desk.app()
    desk.fail("app", "refresh-issuer", "crm")

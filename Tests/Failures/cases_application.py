# SPDX-License-Identifier: Apache-2.0
"""Applications and definitions that cannot be meant."""

import os

from listing import lister
from provider import error

CASES = []
case = lister(CASES)


def defined(title, **settings):
    """A case in which `app add` reads a definition with these settings."""
    case(title)(lambda desk: desk.app_defined(run=desk.fail, **settings))


def written(title, text):
    """A case in which `app add` reads this definition."""

    def play(desk):
        desk.write("crm.yaml", text)
        desk.app("--provider", "crm.yaml", endpoints=False, run=desk.fail)

    case(title)(play)


defined("a definition with a wrong value", rotation="seldom")
defined("a definition with a number out of range", listen_seconds=5)
defined("a definition with an unknown setting", token_endpont="https://login.example.com/t")
defined("a definition without a token endpoint", token_endpoint=None)
defined("a reserved parameter in authorization_parameters",
        authorization_parameters={"state": "mine"})
defined("a reserved parameter in token_parameters", token_parameters={"grant_type": "password"})
defined("a parameter in the endpoint's query that the flow sets",
        authorization_endpoint="https://login.example.com/a?client_id=1")
defined("a parameter in the token endpoint's query that the request sets",
        token_endpoint="https://login.example.com/t?grant_type=refresh_token")
defined("the same parameter twice in the endpoint's query",
        authorization_endpoint="https://login.example.com/a?prompt=a&prompt=b")
defined("a parameter in the endpoint's query and in authorization_parameters",
        authorization_endpoint="https://login.example.com/a?prompt=a",
        authorization_parameters={"prompt": "consent"})
defined("an endpoint that is plain HTTP", token_endpoint="http://login.example.com/token")
defined("invalid_client among grant_lost_errors", grant_lost_errors=["invalid_client"])
defined("a name in braces that is not among variables",
        token_endpoint="https://{shop}.example.com/token")
defined("a variable that is the whole host, from the callback, without host_suffixes",
        token_endpoint="https://{server}/token", variables={"server": {"callback": "server"}})
written("a definition that is no YAML", "name: [crm\ntoken_endpoint: https://a.example/t\n")
written("a definition with a key twice", "name: a\nname: b\n")
written("an empty definition", "")


@case("the definition's file is not there")
def no_definition(desk):
    desk.app("--provider", "missing.yaml", endpoints=False, run=desk.fail)


@case("an application that authenticates by basic, without a secret")
def no_secret(desk):
    desk.app(secret=False, run=desk.fail)


@case("the secret's file is not there")
def missing_secret(desk):
    os.unlink(desk.path("crm.secret"))
    desk.app(run=desk.fail)


@case("the secret's file is empty")
def empty_secret(desk):
    desk.write("crm.secret", "")
    desk.app(run=desk.fail)


@case("the secret's file can be read by others")
def open_secret(desk):
    os.chmod(desk.path("crm.secret"), 0o644)
    desk.app(run=desk.fail)


@case("--provider beside --auth")
def both(desk):
    desk.define()
    desk.app("--provider", "crm.yaml", "--auth", "post", endpoints=False, run=desk.fail)


@case("a redirect URI that is plain HTTP elsewhere")
def redirect_http(desk):
    desk.redirect = "http://oauth2.example.com/callback"
    desk.app(run=desk.fail)


@case("a client secret file with a byte order mark")
def marked_secret(desk):
    desk.write("crm.secret", b"\xef\xbb\xbfcs-of-an-editor")
    desk.app(run=desk.fail)


@case("a redirect URI whose query has state")
def redirect_state(desk):
    desk.redirect = "https://crm.example.com/callback?state=x"
    desk.app(run=desk.fail)


@case("a redirect URI without a scheme")
def redirect_relative(desk):
    desk.redirect = "127.0.0.1/callback"
    desk.app(run=desk.fail)


@case("a redirect URI that is plain HTTP elsewhere, at a real provider")
def redirect_http_real(desk):
    desk.redirect, desk.options = "http://oauth2.example.com/callback", []
    desk.define(**{f"{name}_endpoint": f"https://login.example.com/{name}"
                   for name in ("authorization", "token", "revocation")})
    desk.app("--provider", "crm.yaml", endpoints=False, run=desk.fail)


@case("an application is added that is there")
def added_twice(desk):
    desk.app()
    desk.app(run=desk.fail)


@case("an application is removed that has connections")
def removed(desk):
    desk.app()
    desk.connect()
    desk.fail("app", "remove", "crm")
    desk.log_of = desk.status_of = ["anna"]


@case("refresh of a connection whose application is removed")
def refresh_removed(desk):
    desk.app()
    desk.connect()
    desk.must("app", "remove", "crm")
    desk.fail("refresh", "anna")
    desk.log_of = desk.status_of = ["anna"]


@case("app remove of an application that is not there")
def remove_unknown(desk):
    desk.fail("app", "remove", "crm")


@case("the application is rejected, seen from another connection of it")
def rejected_other(desk):
    desk.app()
    desk.connect()
    desk.connect("bert")
    desk.provider.token = error("invalid_client", 401)
    desk.run("refresh", "bert")
    desk.fail("refresh", "anna")
    desk.log_of = ["anna", "crm"]
    desk.status_of = ["anna", "bert"]


OPEN = {"variables": {"server": {"host_suffixes": ["127.0.0.1"]}}}


def open_application(desk):
    """An application whose token endpoint needs the value of a variable."""
    desk.app_defined(token_endpoint="{server}/token", **OPEN)


@case("connect without a value that an endpoint needs")
def value_missing(desk):
    open_application(desk)
    desk.fail("connect", "anna", "--app", "crm", "--paste")


@case("connect with a value that leads elsewhere")
def value_elsewhere(desk):
    open_application(desk)
    value = "server=https://evil.example/#"
    desk.fail("connect", "anna", "--app", "crm", "--paste", "--set", value)


@case("connect with a value of no variable")
def value_unknown(desk):
    open_application(desk)
    desk.fail("connect", "anna", "--app", "crm", "--paste", "--set", "shop=acme")


@case("the callback leads to another host than the definition takes")
def callback_elsewhere(desk):
    desk.app_defined(
        token_endpoint="{server}/token",
        variables={"server": {"host_suffixes": ["127.0.0.1"], "callback": "server"}})
    desk.connect(
        callback=lambda state: f"code=co&state={state}&server=https%3A%2F%2Fevil.example", run=True)
    desk.log_of = desk.status_of = ["anna"]


@case("the callback does not say where the provider is")
def callback_silent(desk):
    desk.app_defined(
        token_endpoint="{server}/token",
        variables={"server": {"host_suffixes": ["127.0.0.1"], "callback": "server"}})
    desk.connect(run=True)
    desk.log_of = desk.status_of = ["anna"]


@case("the provider rejects a client of the connection's own")
def rejected_own(desk):
    desk.app()
    desk.connect(more=["--client-id", "mine", "--client-secret-file", desk.path("crm.secret")])
    desk.provider.token = error("invalid_client", 401)
    desk.fail("refresh", "anna")
    desk.log_of = ["anna", "crm"]
    desk.status_of = ["anna"]


CAPTURED = {"captured_from_reply": {"team": "team.id"}}


@case("the look-up's URL needs a value that the answer does not bring")
def lookup_unknown(desk):
    url = f"{desk.provider.url}/teams/{{team}}"
    desk.app_defined(lookup={"url": url, "values": {"site": "url"}}, **CAPTURED)
    desk.connect(run=True)
    desk.log_of = desk.status_of = ["anna"]


@case("the revocation endpoint needs a value that the answer does not bring")
def revocation_unknown(desk):
    desk.app_defined(revocation_endpoint=f"{desk.provider.url}/{{team}}/revoke",
                     revocation={"method": "post"}, **CAPTURED)
    desk.connect()
    desk.fail("disconnect", "anna")
    desk.log_of = desk.status_of = ["anna"]


@case("the revocation endpoint names a value that is not known")
def revocation_undeclared(desk):
    desk.app_defined(revocation_endpoint=f"{desk.provider.url}/{{team}}/revoke", run=desk.fail)

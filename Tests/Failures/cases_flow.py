# SPDX-License-Identifier: Apache-2.0
"""The user's way through the provider and back: what the callback says, and how it gets here."""

import html
import re
import socket
import urllib.error
import urllib.request

from provider import MARK, Answer, error, tokens

CASES = []
OTHER_STATE = "A" * 43


def case(title):
    """Lists a function as a case of this group."""
    return lambda function: CASES.append((title, function)) or function


def called_back(title, query, **settings):
    """A case in which the callback's query is this, `STATE` being the flow's."""

    def play(desk):
        desk.vault()
        desk.app_defined(**settings)
        desk.connect(callback=lambda state: query.replace("STATE", state), run=True)

    CASES.append((title, play))


def browser(url):
    """What somebody's browser shows of a URL, as one line."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode(errors="replace")
    except OSError as trouble:
        return None, str(trouble)


def listened(desk, query, then=None):
    """Connects with a listener on the redirect URI, where a browser ends with this query."""
    words = ["connect", "anna", "--app", "crm"]
    child = desk.start(*words)
    state = desk.state(child)
    status, page = browser(f"{desk.redirect}?{query.replace('STATE', state)}")
    if then:
        then(state)
    desk.failure = desk.end(child, words)
    desk.notes.append(f"browser: HTTP {status}, {text(page)}")


def text(page):
    """A page's words."""
    page = re.sub(r"(?s)<(style|head).*?</\1>|<[^>]*>", " ", page)
    return " ".join(html.unescape(page).split())[:200]


called_back("the user refuses (error=access_denied)", "error=access_denied&state=STATE")
called_back("error=invalid_request, nonce required",
            "error=invalid_request&error_description=nonce+required&state=STATE")
called_back("error=login_required", "error=login_required&state=STATE")
called_back("error=unauthorized_client", "error=unauthorized_client&state=STATE")
called_back("error=temporarily_unavailable", "error=temporarily_unavailable&state=STATE")
called_back("error=invalid_scope", "error=invalid_scope&state=STATE")
called_back("iss is another than the definition's",
            f"code=co-{MARK}&state=STATE&iss=https://other.example",
            issuer="https://login.example.com")
called_back("iss is demanded and missing", f"code=co-{MARK}&state=STATE",
            issuer="https://login.example.com",
            authorization_response_iss_parameter_supported=True)
called_back("the callback is not signed", f"code=co-{MARK}&state=STATE", callback_signature={})
called_back("the callback's signature is wrong",
            f"code=co-{MARK}&state=STATE&hmac={'0' * 64}", callback_signature={})
called_back("the callback has neither code nor error", "state=STATE")
called_back("the callback has no state", f"code=co-{MARK}")
called_back("the callback's state is of no flow", f"code=co-{MARK}&state={OTHER_STATE}")
called_back("the same parameter twice in the callback", "code=a&code=b&state=STATE")


@case("the user refuses, in the browser")
def refused_in_browser(desk):
    desk.vault()
    desk.app()
    listened(desk, "error=access_denied&state=STATE")


@case("error=access_denied without state, in the browser")
def refused_without_state(desk):
    desk.vault()
    desk.app()
    words = ["connect", "anna", "--app", "crm"]
    child = desk.start(*words)
    state = desk.state(child)
    status, page = browser(f"{desk.redirect}?error=access_denied")
    browser(f"{desk.redirect}?error=access_denied&state={state}")
    desk.failure = desk.end(child, words)
    desk.notes.append(f"browser: HTTP {status}, {text(page)}")


@case("a callback of another flow is pasted (mallory's terminal, alice's browser)")
def another_flow(desk):
    desk.vault()
    desk.app()
    desk.serve()
    words = ["connect", "alice", "--app", "crm", "--paste"]
    alice = desk.start(*words)
    state = desk.state(alice)
    desk.connect("mallory", callback=lambda mine: f"code=co-{MARK}&state={state}", run=True)
    desk.log_of = desk.status_of = ["mallory", "alice"]


@case("a callback is pasted a second time")
def used_callback(desk):
    desk.vault()
    desk.app()
    used = []
    desk.connect(callback=lambda state: used.append(state) or f"code=co-{MARK}&state={state}")
    desk.connect(callback=lambda state: f"code=co-{MARK}&state={used[0]}", run=True)


@case("what is pasted is no URL")
def no_url(desk):
    desk.vault()
    desk.app()
    desk.fail("connect", "anna", "--app", "crm", "--paste", text="hello\n")


@case("nothing is pasted (end of input)")
def nothing_pasted(desk):
    desk.vault()
    desk.app()
    desk.fail("connect", "anna", "--app", "crm", "--paste", text="")


@case("the code has expired (invalid_grant at the exchange)")
def dead_code(desk):
    desk.vault()
    desk.app()
    desk.provider.token = error("invalid_grant", error_description="code expired")
    desk.connect(run=True)


@case("the wrong way of client authentication (invalid_client at the exchange)")
def client_authentication(desk):
    desk.vault()
    desk.app()
    desk.provider.token = error("invalid_client", 401)
    desk.connect(run=True)


@case("redirect_uri_mismatch at the exchange (invalid_request)")
def redirect_mismatch(desk):
    desk.vault()
    desk.app()
    desk.provider.token = error("invalid_request", error_description="redirect_uri mismatch")
    desk.connect(run=True)


@case("the exchange brings no refresh token")
def no_refresh_token(desk):
    desk.vault()
    desk.app()
    desk.provider.token = tokens(refresh_token=None)
    desk.connect(run=True)


@case("the exchange brings no refresh token, and no expiry")
def no_end(desk):
    desk.vault()
    desk.app()
    desk.provider.token = tokens(refresh_token=None, expires_in=None)
    desk.connect(run=True)


@case("the answer to the code is lost")
def lost_code(desk):
    desk.vault()
    desk.app()
    desk.provider.token = Answer(cut=True)
    desk.connect(run=True)


@case("the exchange brings a token type that is not Bearer")
def token_type(desk):
    desk.vault()
    desk.app()
    desk.provider.token = tokens(token_type="DPoP")
    desk.connect(run=True)


@case("the exchange brings a page")
def exchange_page(desk):
    desk.vault()
    desk.app()
    desk.provider.token = Answer(body="<html>hello</html>", kind="text/html")
    desk.connect(run=True)


@case("the redirect URI's port is taken")
def port_taken(desk):
    desk.vault()
    desk.app()
    port = int(desk.redirect.split(":")[2].split("/")[0])
    taken = socket.create_server(("127.0.0.1", port))
    desk.later(taken.close)
    desk.fail("connect", "anna", "--app", "crm")


@case("the redirect URI is not on this machine, and no --paste")
def elsewhere(desk):
    desk.redirect = "https://oauth2.example.com/callback"
    desk.vault()
    desk.app()
    desk.fail("connect", "anna", "--app", "crm", text="")


@case("connect through an application that is not there")
def no_application(desk):
    desk.vault()
    desk.fail("connect", "anna", "--app", "crm", text="")


def scopes(title, *found):
    """A case in which connect asks for these scopes."""

    def play(desk):
        desk.vault()
        desk.app()
        words = [word for scope in found for word in ("--scope", scope)]
        desk.fail("connect", "anna", "--app", "crm", "--paste", *words, text="")
        desk.failure.command = "tokenvault connect anna --app crm --paste --scope ..."
        desk.log_of = desk.status_of = []

    CASES.append((title, play))


scopes("connect with a scope of 70,000 characters", "s" * 70000)
scopes("connect with 3,000 scopes", *(f"https://scopes.example/{n}" for n in range(3000)))
scopes("connect with an empty scope", "")
scopes("connect with a scope that holds a line end", "read\nwrite")


@case("the application is rejected at connect: its own log")
def application_log(desk):
    desk.vault()
    desk.app()
    desk.provider.token = error("invalid_client", 401)
    desk.connect(run=True)
    desk.log_of = ["crm"]

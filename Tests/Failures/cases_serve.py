# SPDX-License-Identifier: Apache-2.0
"""While `serve` runs, and `serve` itself: commands go through its control socket."""

import socket

from cases_flow import browser, text
from desk import NotStaged
from provider import Answer, error, free_port, tokens

CASES = []


def case(title):
    """Lists a function as a case of this group."""
    return lambda function: CASES.append((title, function)) or function


def answered(title, answer, words=("refresh", "anna"), before=()):
    """A case in which serve's refresh is answered so, after other commands."""

    def play(desk):
        desk.ready()
        desk.serve()
        desk.provider.token = answer
        for each in before:
            desk.run(*each)
        desk.fail(*words)

    CASES.append((title, play))


BUSY = Answer(429, headers={"Retry-After": "120"})
REFRESH = ("refresh", "anna")
answered("serve: 503", Answer(503))
answered("serve: 429, Retry-After: 120", BUSY)
answered("serve: after 429, a token that lives for 2 h is asked for", BUSY,
         ("token", "anna", "--min-ttl", "7200"), [REFRESH])
answered("serve: the connection is closed without an answer", Answer(cut=True))
answered("serve: no answer", Answer(silent=True))
answered("serve: no answer, asked a second time", Answer(silent=True), before=[REFRESH])
answered("serve: invalid_grant", error("invalid_grant"))
answered("serve: invalid_grant, then the token", error("invalid_grant"), ("token", "anna"),
         [REFRESH])
answered("serve: invalid_client", error("invalid_client", 401))
answered("serve: 400 without a body", Answer(400))
answered("serve: a page", Answer(body="<html>", kind="text/html"))
answered("serve: a token type that needs more than the token", tokens(1, token_type="DPoP"))
answered("serve: the API rejected the token, and the provider is down", Answer(503),
         ("rejected", "anna"))
answered("serve: a component failed", tokens(1), ("failed", "anna", "--code", "17"))


@case("serve: the breaker is open after five failures")
def breaker(desk):
    desk.ready()
    desk.serve()
    desk.provider.token = Answer(503)
    for _ in range(20):
        if "nothing was sent" in desk.fail(*REFRESH).err:
            return
    raise NotStaged("the breaker never opens")


@case("serve: disconnect while the provider is down")
def disconnect(desk):
    desk.ready()
    desk.serve()
    desk.provider.revoke = Answer(503)
    desk.fail("disconnect", "anna", "--yes")


@case("serve without --allow-loopback-http, which the application needs")
def guarded(desk):
    desk.ready()
    desk.options = []
    desk.serve()
    desk.fail("refresh", "anna")


@case("serve with a --ca-file that does not know the provider's certificate")
def certificate(desk):
    desk.options = ["--allow-loopback-http", "--ca-file", desk.certificates.ca_file]
    desk.use_tls(desk.certificates.pair("good"))
    desk.ready()
    desk.provider.certify(desk.certificates.pair("untrusted"))
    desk.serve()
    desk.fail("refresh", "anna")


@case("the API rejected a token that nothing can renew")
def rejected(desk):
    desk.vault()
    desk.app()
    desk.provider.token = tokens(refresh_token=None)
    desk.connect()
    desk.fail("rejected", "anna")


@case("serve: trouble changes (503, then invalid_scope)")
def changed(desk):
    desk.ready()
    desk.serve()
    desk.provider.token = Answer(503)
    desk.run("refresh", "anna")
    desk.provider.token = error("invalid_scope")
    desk.fail("refresh", "anna")


def revoked(title, answer, *more):
    """A case in which a disconnect's revocation is answered so."""

    def play(desk):
        desk.ready()
        desk.provider.revoke = answer
        if answer is None:
            desk.provider.stop()
        desk.fail("disconnect", "anna", "--yes", *more)

    CASES.append((title, play))


revoked("disconnect, and the provider cannot be reached", None)
revoked("disconnect --wait 3, and the provider answers 503", Answer(503), "--wait", "3")
revoked("disconnect, and the provider refuses to revoke", error("invalid_client", 401))
revoked("disconnect, and the revocation endpoint does not exist (404)", Answer(404))


@case("disconnect, and the provider has no revocation endpoint")
def no_revocation(desk):
    desk.vault()
    desk.app_defined(revocation_endpoint=None)
    desk.connect()
    desk.fail("disconnect", "anna", "--yes")


@case("disconnect, and an unread answer names a newer token that cannot be read")
def unreadable_token(desk):
    desk.ready()
    desk.provider.token = tokens(1, refresh_token=["in a list"])
    desk.run("refresh", "anna")
    desk.fail("disconnect", "anna", "--yes")


@case("disconnect after the user connected twice")
def earlier_grant(desk):
    desk.ready()
    desk.provider.token = tokens(1)
    desk.connect()
    desk.fail("disconnect", "anna", "--yes")


def listening(title, address, *more):
    """A case in which serve is told to listen there."""

    def play(desk):
        desk.ready()
        port = 0
        if "PORT" in address:
            taken = socket.create_server(("127.0.0.1", 0))
            desk.later(taken.close)
            port = taken.getsockname()[1]
        desk.fail("serve", "--listen", address.replace("PORT", str(port)), *more)
        desk.failure.command = f"tokenvault serve --listen {address}"
        desk.log_of = desk.status_of = []

    CASES.append((title, play))


listening("serve --listen: the port is taken", "127.0.0.1:PORT")
listening("serve --listen: an address that is not this machine's", "192.0.2.1:8080")
listening("serve --listen: not this machine's, behind a public URL", "192.0.2.1:8080",
          "--public-url", "https://oauth2.example.com")
listening("serve --listen: no port", "127.0.0.1")
listening("serve --listen: port 99999", "127.0.0.1:99999")
listening("serve --listen: a public URL that is no URL", "127.0.0.1:PORT", "--public-url", "x")


# No memory can be locked: by the limit, and without the privilege to exceed it.
UNLOCKED = ["prlimit", "--memlock=0:0", "setpriv", "--bounding-set=-ipc_lock",
            "--inh-caps=-ipc_lock", "--"]


@case("serve --require-locked-memory where none can be locked")
def memory_required(desk):
    desk.ready()
    desk.fail("serve", "--require-locked-memory", prefix=UNLOCKED)
    desk.log_of = desk.status_of = []


@case("serve where no memory can be locked")
def memory(desk):
    desk.ready()
    child = desk.serve(prefix=UNLOCKED)
    desk.run("status", "anna")
    child.terminate()
    desk.failure = desk.end(child, ["serve"])
    desk.serving = None


@case("serve ends while an answer is out (--drain 1)")
def drained(desk):
    desk.ready()
    child = desk.serve("--drain", "1")
    desk.provider.token = Answer(silent=True)
    caller = desk.start("refresh", "anna")
    desk.provider.wait_asked(2)
    child.terminate()
    desk.failure = desk.end(caller, ["refresh", "anna"])
    desk.end(child, ["serve", "--drain", "1"])
    desk.serving = None


@case("connect while serve listens on the redirect URI's port")
def front_taken(desk):
    port = free_port()
    desk.redirect = f"http://127.0.0.1:{port}/callback/crm"
    desk.ready()
    desk.serve("--listen", f"127.0.0.1:{port}")
    desk.fail("connect", "bert", "--app", "crm")
    desk.log_of = desk.status_of = []


@case("serve's front gets a request for another path than /callback/APP")
def other_path(desk):
    port = free_port()
    desk.redirect = f"http://127.0.0.1:{port}/oauth/callback"
    desk.ready()
    child = desk.serve("--listen", f"127.0.0.1:{port}")
    status, page = browser(f"{desk.redirect}?code=1&state={'A' * 43}")
    child.terminate()
    desk.failure = desk.end(child, ["serve", "--listen", "127.0.0.1:PORT"])
    desk.notes.append(f"browser: HTTP {status}, {text(page)}")
    desk.serving = None


@case("serve's front gets a callback of no flow")
def bogus_callback(desk):
    port = free_port()
    desk.redirect = f"http://127.0.0.1:{port}/callback/crm"
    desk.ready()
    child = desk.serve("--listen", f"127.0.0.1:{port}")
    status, page = browser(f"{desk.redirect}?code=1&state={'A' * 43}")
    child.terminate()
    desk.failure = desk.end(child, ["serve", "--listen", "127.0.0.1:PORT"])
    desk.notes.append(f"browser: HTTP {status}, {text(page)}")
    desk.serving = None

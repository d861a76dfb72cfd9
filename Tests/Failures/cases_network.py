# SPDX-License-Identifier: Apache-2.0
"""The ways out: private networks, the NAT64, the proxy, and names that stand for this machine."""

from listing import lister
from provider import Proxy, free_port

CASES = []
case = lister(CASES)
PRIVATE = "https://10.20.0.5"
PUBLIC = "https://login.example.com"


def at(desk, server, *more, run=None):
    """Adds an application whose endpoints are at this server."""
    return desk.app_defined(
        run=run, more=more, authorization_endpoint=f"{server}/authorize",
        token_endpoint=f"{server}/token", revocation_endpoint=None)


def option(title, *words):
    """A case in which any command is given these options."""

    @case(title)
    def play(desk):
        desk.fail("list", *words)


def refused(title, server, *remedy):
    """A case in which `app add` refuses a server; with the remedy it takes it."""

    @case(title)
    def play(desk):
        at(desk, server, run=desk.fail)
        at(desk, server, *remedy)


def by_proxy(title, proxy, *more):
    """A case in which a code is exchanged through a proxy; `proxy` makes its port."""

    @case(title)
    def play(desk):
        desk.options = ["--proxy", f"http://127.0.0.1:{proxy(desk)}"]
        at(desk, PUBLIC)
        desk.connect(run=True, more=more)
        desk.log_of = desk.status_of = ["anna"]


def answering(status):
    """A proxy that answers so."""

    def made(desk):
        proxy = Proxy(status)
        desk.later(proxy.stop)
        return proxy.port

    return made


ALLOWED = ("--allow-network", "10.20.0.0/16")
refused("the provider is in a private network", PRIVATE, *ALLOWED)
refused("the provider has a name of private networks", "https://login.corp.internal", *ALLOWED)
option("--allow-network with a bit behind its length", "--allow-network", "10.20.0.5/16")
option("--allow-network without a length", "--allow-network", "10.20.0.5")
option("--allow-network of no private network", "--allow-network", "8.8.8.0/24")
option("--nat64-prefix of a length that none has", "--nat64-prefix", "2001:db8:64::/100")
option("--nat64-prefix that is an IPv4 network", "--nat64-prefix", "10.20.0.0/16")
option("--proxy without http://", "--proxy", "proxy.example.com:3128")
option("--proxy with a user name in it", "--proxy", "http://user:word@proxy.example.com:3128")
by_proxy("the proxy is down", lambda desk: free_port())
by_proxy("the proxy wants credentials (407)", answering(407))
by_proxy("the proxy refuses (403)", answering(403))
by_proxy("the proxy cannot connect to the provider (502)", answering(502))


@case("--proxy-credentials-file without --proxy")
def credentials_alone(desk):
    desk.write("proxy.secret", "user:word\n")
    desk.fail("list", "--proxy-credentials-file", "proxy.secret")


@case("the proxy's credentials have no colon")
def no_colon(desk):
    desk.write("proxy.secret", "word\n")
    desk.fail("list", "--proxy", "http://proxy.example.com:3128",
              "--proxy-credentials-file", "proxy.secret")


@case("--proxy-credentials-file can be read by others")
def open_credentials(desk):
    desk.write("proxy.secret", "user:word\n", 0o644)
    desk.fail("list", "--proxy", "http://proxy.example.com:3128",
              "--proxy-credentials-file", "proxy.secret")


RESOLVE = "login.example.com:443:127.0.0.1"
option("--resolve of an address elsewhere", "--resolve", "login.example.com:443:192.0.2.1")
option("--resolve without a port", "--resolve", "login.example.com:127.0.0.1")
option("--resolve of the same name and port twice", "--resolve", RESOLVE, "--resolve", RESOLVE)


@case("--resolve without --allow-loopback-http")
def resolve_alone(desk):
    desk.options = []
    desk.fail("list", "--resolve", RESOLVE)

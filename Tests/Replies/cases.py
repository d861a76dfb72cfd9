# SPDX-License-Identifier: Apache-2.0
"""Replies that real servers send, most of them out of public bug reports, one case each.

A case is a connect, a refresh that is answered as the case says, and a second refresh that is
answered plainly. `lost` names the cases in which the server itself had ended the grant.
"""

import dataclasses
import gzip
import json
import zlib

from reply_server import Answer, Script, keeps_tokens, members, refusal, success


@dataclasses.dataclass
class Case:
    """One case, and what is expected of a vault that loses nothing."""

    name: str
    script: Script
    # Lines of the provider's definition beside its endpoints.
    settings: dict = dataclasses.field(default_factory=dict)
    # Whether the tokens of the answer in question are taken.
    taken: bool = True
    # Whether the grant is alive at the end.
    alive: bool = True
    # Whether nobody knows what the server did: the next process waits before it asks again.
    doubt: bool = False
    # Whether the process is stopped after it has sent, and goes on when the answer lies there.
    frozen: bool = False
    # Exit status of connect, and of both refreshes where they are determined.
    connect: int = 0
    refresh: int | None = None
    again: int | None = None
    # When the access token expires after the refresh, in seconds from now; None: nobody asks.
    lifetime: tuple | None = None


def changed(**others):
    """A success with other members."""
    return lambda grant: success(grant, **others)


def text(write, **answer):
    """A success whose body `write` makes of the JSON text."""

    def respond(grant):
        body = json.dumps(members(grant))
        return Answer(write(body), **answer)

    return respond


def beside(raw):
    """A success with further text before its closing brace."""
    return text(lambda body: body.encode()[:-1] + b", " + raw + b"}")


def encoded(coding, encode):
    """A success in a content coding that nobody asked for."""
    headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))
    return text(lambda body: encode(body.encode()), headers=headers)


def form(grant):
    """A success in a form, as GitHub answers where nobody asks for JSON."""
    body = "&".join(f"{name}={value}" for name, value in members(grant).items())
    return Answer(body.encode(), headers=(("Content-Type", "application/x-www-form-urlencoded"),))


def late(seconds):
    """A success that takes its time."""
    return text(str.encode, wait=seconds)


def page(status, body=b"<html><body>Sorry, something went wrong.</body></html>"):
    """A gateway's page: the server has seen nothing."""
    return keeps_tokens(
        lambda grant: Answer(body, status=status, headers=(("Content-Type", "text/html"),))
    )


def refreshed(name, respond, **case):
    """A case whose refresh is answered oddly."""
    return Case(name, Script(refreshes=[respond]), **case)


def connected(name, respond, **case):
    """A case whose code exchange is answered oddly."""
    return Case(name, Script(connect=respond), **case)


def dead(name, answer, connections=1, **case):
    """A case whose user has withdrawn the grant, and how the server says so."""

    def end(grant):
        grant.alive = False
        return answer()

    script = Script(refreshes=[keeps_tokens(end)])
    script.dead = answer
    return Case(name, script, alive=False, taken=False, **case)


def nested(depth):
    """An array in an array, so deep."""
    return b'"deep": ' + b"[" * depth + b"]" * depth


def reading():
    """Success, and something is wrong with it that does not concern the tokens."""
    kinds = {
        "gzip": encoded("gzip", gzip.compress),
        "x-gzip": encoded("x-gzip", gzip.compress),
        "deflate": encoded("deflate", zlib.compress),
        "gzip named, none": encoded("gzip", bytes),
        "deflate named, none": encoded("deflate", bytes),
        "a warning of PHP's before it": text(
            lambda body: b"<br />\n<b>Warning</b>: Undefined array key in <b>token.php</b>\n"
            + body.encode()
        ),
        "a lone surrogate": beside(b'"name": "\\ud800"'),
        "a byte of Latin-1": beside(b'"name": "Ren\xe9"'),
        "an unknown member twice": beside(b'"name": 1, "name": 2'),
        "a name of 300 bytes": beside(b'"' + b"n" * 300 + b'": 1'),
        "300 members": beside(b", ".join(b'"m%d": %d' % (n, n) for n in range(300))),
        "depth 40": beside(nested(40)),
        "depth 2,000": beside(nested(2000)),
        "a BOM": text(lambda body: b"\xef\xbb\xbf" + body.encode()),
        "an id_token of 70 KB": beside(b'"id_token": "' + b"x" * 70_000 + b'"'),
        "an id_token of 200 KB first": text(
            lambda body: b'{"id_token": "' + b"x" * 200_000 + b'", ' + body.encode()[1:]
        ),
        "a control character": beside(b'"name": "a\x01b"'),
        "status 201": text(str.encode, status=201),
        "status 203": text(str.encode, status=203),
        "200, the last chunk missing": text(str.encode, chunked_cut=True),
        "201, the last chunk missing": text(str.encode, status=201, chunked_cut=True),
        "203, the last chunk missing": text(str.encode, status=203, chunked_cut=True),
        "200, a length too long": text(str.encode, length=4096),
        "201, a length too long": text(str.encode, status=201, length=4096),
        "bytes behind the length": text(str.encode, tail=b"\r\n<!-- 0.02 s -->"),
        "text/html as its type": text(str.encode, headers=(("Content-Type", "text/html"),)),
        "expires_in as text": changed(expires_in="3600"),
        "expires_in null": changed(expires_in=None),
        "no token_type": changed(token_type=None),
        "no refresh token": changed(refresh_token=None),
    }
    for name, respond in kinds.items():
        case = refreshed(f"refresh: {name}", respond, refresh=0, again=0)
        if name == "no refresh token":
            # The server that answers so leaves the old one valid.
            case = refreshed(f"refresh: {name}", keeps_tokens(respond), refresh=0, again=0)
        yield case
        yield connected(f"connect: {name}", respond) if name != "no refresh token" else connected(
            f"connect: {name}", respond, refresh=79, again=79
        )
    for kind in ["bot", "BearerToken", "user", "urn:ietf:params:oauth:token-type:access_token"]:
        yield refreshed(f"refresh: token_type {kind}", changed(token_type=kind), refresh=0, again=0)
        yield connected(
            f"connect: token_type {kind}, listed",
            changed(token_type=kind),
            settings={"bearer_token_types": [kind]},
        )
    for kind in ["Bearer ", " bearer", "Bearer\t", "BEARER"]:
        yield refreshed(f"refresh: token_type {kind!r}", changed(token_type=kind), refresh=0)
        yield connected(f"connect: token_type {kind!r}", changed(token_type=kind))


def unusable():
    """Success that names tokens and cannot be used: the old token is not presented again."""
    kinds = {
        "token_type mac": changed(token_type="mac"),
        "token_type DPoP": changed(token_type="DPoP"),
        "a form": form,
        "access_token twice": beside(b'"access_token": "another"'),
        "access_token a number": changed(access_token=12345),
        "access_token of 20 KB": changed(access_token="a" * 20_000),
        "an error beside the token": changed(error="odd"),
    }
    for name, respond in kinds.items():
        yield refreshed(f"unusable: {name}", respond, taken=False)


def listening():
    """An answer that is late, or none."""
    yield refreshed("20 s late", late(20), refresh=0, again=0)
    yield refreshed("40 s late", late(40), refresh=0, again=0)
    held = text(str.encode, held=True)
    yield refreshed("the process frozen", held, frozen=True, refresh=0, again=0)
    yield connected("connect: 12 s late", late(12))
    lost = text(str.encode, drop=True)
    kept = keeps_tokens(text(str.encode, drop=True))
    # What a strict server replaced with an answer that nobody heard is gone, whoever asks.
    yield refreshed("dropped, rotation strict", lost, taken=False, doubt=True)
    yield refreshed("dropped before anything happened", kept, taken=False, doubt=True)
    yield refreshed("reset", keeps_tokens(text(str.encode, reset=True)), taken=False, doubt=True)
    yield refreshed(
        "20 s late, never rotates",
        keeps_tokens(late(20)),
        settings={"rotation": "never"},
        taken=False,
        again=0,
    )


def doubts():
    """What is no success although its status says so, or says nothing of the grant."""
    for status in [200, 201, 404, 403, 500, 502, 503, 504]:
        doubt = status in [200, 201, 500, 502, 504]
        yield refreshed(
            f"{status} with a page",
            page(status),
            taken=False,
            again=None if doubt else 0,
            doubt=doubt,
        )
    yield refreshed("200, empty", page(200, b""), taken=False, doubt=True)
    yield refreshed(
        "200, cut inside the object",
        keeps_tokens(text(lambda body: body.encode()[:40], length=4096)),
        taken=False,
        doubt=True,
    )
    yield refreshed(
        "429", keeps_tokens(lambda grant: refusal("slow_down", 429)), taken=False, again=None
    )


def dead_grants():
    """The user has withdrawn the grant, and the server has a word of its own for that."""
    dialects = {
        "400 invalid_grant": lambda: refusal("invalid_grant"),
        "401 invalid_grant": lambda: refusal("invalid_grant", 401),
        "400, empty": lambda: Answer(b"", status=400),
        "400 invalid_request": lambda: refusal("invalid_request"),
        "403 unauthorized_client": lambda: refusal("unauthorized_client", 403),
    }
    for name, answer in dialects.items():
        yield dead(f"dead: {name}", answer)


def times():
    """Lifetimes in all their forms."""
    hour = (3000, 3700)
    yield refreshed("expires_in a moment", changed(expires_in="MOMENT"), lifetime=hour)
    yield refreshed("expires_in nonsense", changed(expires_in=10**12 + 7), lifetime=(0, 90_000))
    for name in ["expires", "expires_on", "expiresIn"]:
        value = 3600 if name == "expiresIn" else "MOMENT"
        yield refreshed(
            f"{name} alone", changed(expires_in=None, **{name: value}), lifetime=hour
        )
    yield refreshed(
        "expires_at in RFC 3339", changed(expires_in=None, expires_at="RFC3339"), lifetime=hour
    )
    yield refreshed(
        "expires_at in seconds", changed(expires_in=None, expires_at="MOMENT"), lifetime=hour
    )


def all_cases():
    """Every case, by a name that fits into a path."""
    groups = [reading, unusable, listening, doubts, dead_grants, times]
    return {f"case{number}": case for number, case in enumerate(c for g in groups for c in g())}

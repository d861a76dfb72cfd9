# SPDX-License-Identifier: Apache-2.0
"""The command line: what is not there, not possible or not meant."""

import os
import pty

CASES = []


def case(title):
    """Lists a function as a case of this group; there is a connection, and no log is shown."""

    def listed(function):
        def play(desk):
            desk.log_of, desk.status_of = [], []
            desk.ready()
            function(desk)

        CASES.append((title, play))
        return function

    return listed


def told(title, *words, **start):
    """A case that is one command."""
    case(title)(lambda desk: desk.fail(*words, **start))


told("token of a connection that is not there", "token", "bert")
told("status of a connection that is not there", "status", "bert")
told("log of an id that never was", "log", "bert")
told("disconnect of a connection that is not there", "disconnect", "bert", "--yes")
told("an id that is too long", "token", "x" * 300)
told("an id with a blank and an umlaut", "token", "an nä")
told("an empty id", "token", "")
told("an id whose bytes are not UTF-8", "token", b"an\xffna".decode(errors="surrogateescape"))
told("--min-ttl 7200 of a token that lives for an hour", "token", "anna", "--min-ttl", "7200")
told("--min-ttl beyond its range", "token", "anna", "--min-ttl", "100000")
told("--min-ttl that is no number", "token", "anna", "--min-ttl", "soon")
told("a verb that is not there", "tokn", "anna")
told("an option that is not there", "token", "anna", "--mintl", "5")
told("--resolve without an address", "refresh", "anna", "--resolve", "a.example:443")
told("--ca-file is not there", "refresh", "anna", "--ca-file", "missing.pem")
told("failed without --code", "failed", "anna")
told("--vault and TOKENVAULT_PATH are missing", "token", "anna", env={"TOKENVAULT_PATH": ""})


@case("--ca-file is no certificate")
def no_certificate(desk):
    desk.write("ca.pem", "hello\n")
    desk.fail("refresh", "anna", "--ca-file", "ca.pem")


@case("--ca-file holds a certificate that is damaged")
def damaged_certificate(desk):
    with open(desk.certificates.ca_file, encoding="ascii") as file:
        lines = file.read().splitlines()
    del lines[3]
    desk.write("ca.pem", "\n".join(lines) + "\n")
    desk.provider.certify(desk.certificates.pair("good"))
    https = desk.provider.url.replace("http:", "https:")
    desk.app_defined(more=["--replace"], token_endpoint=f"{https}/token")
    desk.options += ["--ca-file", "ca.pem"]
    desk.connect(run=True)


@case("the token to a terminal, without --reveal")
def to_terminal(desk):
    outer, inner = pty.openpty()
    child = desk.start("token", "anna", stdout=inner)
    os.close(inner)
    desk.failure = desk.end(child, ["token", "anna"])
    os.close(outer)


@case("stdout is a full device")
def full_output(desk):
    with open("/dev/full", "wb") as full:
        desk.failure = desk.end(desk.start("token", "anna", stdout=full), ["token", "anna"])


@case("init without a key option")
def init_without_key(desk):
    desk.key = []
    desk.fail("init", "--vault", "w", options=False)


@case("two key options at once")
def two_keys(desk):
    desk.fail("token", "anna", "--passphrase-fd", "0", text="x\n")


@case("the root key on a descriptor that is not open")
def closed_descriptor(desk):
    desk.key = ["--key-fd", "9"]
    desk.fail("token", "anna")

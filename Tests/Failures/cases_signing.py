# SPDX-License-Identifier: Apache-2.0
"""Signing keys: those that private_key_jwt cannot take, and a provider that refuses one."""

from provider import error

CASES = []
METHOD = ("--auth", "private_key_jwt")
FILE = ("--signing-key-file", "crm.pem")
P256 = ("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "crm.pem")


def case(title):
    """Lists a function as a case of this group."""
    return lambda function: CASES.append((title, function)) or function


def added(title, *makings, more=(*METHOD, *FILE), text=None):
    """A case in which `app add` gets a key that these openssl commands make, or this text."""

    def play(desk):
        desk.log_of, desk.status_of = [], []
        desk.vault()
        for words in makings:
            desk.openssl(*words)
        if text is not None:
            desk.write("crm.pem", text)
        desk.app(*more, secret=False, run=desk.fail)

    CASES.append((title, play))


def rsa(bits):
    """The command that makes an RSA key."""
    return ("genrsa", "-out", "crm.pem", str(bits))


added("private_key_jwt without a key", more=METHOD)
added("a signing key without private_key_jwt", P256, more=FILE)
added("a client secret beside a signing key", P256,
      more=(*METHOD, *FILE, "--client-secret-file", "crm.secret"))
added("the signing key is encrypted",
      (*P256, "-aes-256-cbc", "-pass", "pass:a long word"))
added("the signing key is a public one", (*P256[:-1], "private.pem"),
      ("pkey", "-in", "private.pem", "-pubout", "-out", "crm.pem"))
added("the signing key is RSA of 1024 bits", rsa(1024))
added("the signing key lies on another curve",
      ("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "crm.pem"))
added("the signing key is of another kind", ("genpkey", "-algorithm", "x25519", "-out", "crm.pem"))
added("the signing algorithm is another key's", P256,
      more=(*METHOD, *FILE, "--signing-algorithm", "RS256"))
added("a signing algorithm that is not known", P256,
      more=(*METHOD, *FILE, "--signing-algorithm", "HS256"))
added("the signing key cannot be read", text="-----BEGIN PRIVATE KEY-----\nAAAA\n")
added("the signing key's file is not there")


@case("app key of an application without a signing key")
def no_key(desk):
    desk.log_of, desk.status_of = [], []
    desk.vault()
    desk.app()
    desk.fail("app", "key", "crm")


@case("the provider rejects what the signing key signed")
def rejected(desk):
    desk.vault()
    desk.openssl(*P256)
    desk.app(*METHOD, *FILE, secret=False)
    desk.connect()
    desk.provider.token = error("invalid_client", 401)
    desk.fail("refresh", "anna")
    desk.log_of = ["anna", "crm"]

# SPDX-License-Identifier: Apache-2.0
"""The page of the documentation: which failures it has, and how its rows are written."""

import re

HEAD = """# Failures

What a user is told, word for word, when something fails, and what to do next.

## Overview

Each row was provoked against the `tokenvault` executable: what is on stderr, the exit status, the
newest line of the connection's log, and what `tokenvault status` says afterwards. `-` is where
there is nothing to say. Ports, times and processes are replaced by words in capitals. What the
lights, reasons and events mean in general stands in <doc:Operations>.

This page is made by

    Tests/Failures/failures.py --program .build/debug/tokenvault --page > Failures.md

in the folder `Sources/TokenVault/TokenVault.docc`, with the script's path from there."""

TABLE = "| failure | message | exit | log | light, reason, next step |\n|---|---|---|---|---|"

TITLES = {
    # The provider, no serve running
    "nobody listens at the token endpoint",
    "the token endpoint's host name does not exist",
    "the provider closes the connection without an answer",
    "the provider answers 503",
    "the provider answers 429, Retry-After: 120",
    "the token endpoint does not exist (404)",
    "the token endpoint redirects",
    "200 with an HTML page",
    "200 with a token type of its own",
    "invalid_client, 401",
    "invalid_grant",
    "400 without a body",
    "invalid_request at a refresh",
    "invalid_scope at a refresh",
    "unauthorized_client at a refresh",
    "an error code of the provider's own (GitHub's bad_refresh_token in a 200)",
    "the token has expired, and there is no refresh token",
    "the token has expired, and the provider answers 403",
    "the token has expired, and the token endpoint does not exist (404)",
    "the certificate has expired",
    "the certificate is another host's",
    "the certificate is self-signed, and no --ca-file",
    "an endpoint on loopback over HTTP, without --allow-loopback-http",
    "the token endpoint's name resolves to a private address",
    # While serve runs
    "serve: after 429, a token that lives for 2 h is asked for",
    "serve: a component failed",
    "serve: disconnect while the provider is down",
    "serve: the API rejected the token, and the provider is down",
    "disconnect, and the provider has no revocation endpoint",
    "disconnect, and the revocation endpoint does not exist (404)",
    "disconnect, and an unread answer names a newer token that cannot be read",
    "disconnect after the user connected twice",
    "the API rejected a token that nothing can renew",
    "serve --listen: the port is taken",
    "serve --require-locked-memory where none can be locked",
    "connect while serve listens on the redirect URI's port",
    "serve's front gets a callback of no flow",
    # The user's way through the provider
    "the user refuses (error=access_denied)",
    "error=login_required",
    "error=temporarily_unavailable",
    "error=invalid_scope",
    "iss is demanded and missing",
    "the callback is not signed",
    "the callback has no state",
    "the callback's state is of no flow",
    "a callback of another flow is pasted (mallory's terminal, alice's browser)",
    "the code has expired (invalid_grant at the exchange)",
    "redirect_uri_mismatch at the exchange (invalid_request)",
    "the exchange brings no refresh token",
    "the exchange brings no refresh token, and no expiry",
    "the answer to the code is lost",
    "connect with an empty scope",
    # Device authorization, client credentials, second connections
    "--device, and the definition has no device_authorization_endpoint",
    "--device: the user refuses",
    "--device: the code expires, by the provider's word",
    "--device: the code's time is over",
    "--device: the answer has no code",
    "--device: the client is refused where codes are given out",
    "--device: the client may not use the device flow",
    "--device: the endpoint does not exist (404)",
    "--device: the client is refused where tokens are given out",
    "--device: the provider does not know the code any more",
    "--client-credentials: a scope is not allowed",
    "--client-credentials: the grant is not allowed to the application",
    "--client-credentials: the provider does not know the grant type",
    "--client-credentials: the resource is not taken",
    "--client-credentials: no answer",
    "--client-credentials beside --paste",
    "--client-credentials: the next token is not given out",
    "connect of an application without a redirect URI",
    "connect of an application without an authorization endpoint",
    "connect, and another application has the second connection's id",
    # The application
    "a definition with an unknown setting",
    "a reserved parameter in authorization_parameters",
    "the same parameter twice in the endpoint's query",
    "an endpoint that is plain HTTP",
    "a redirect URI that is plain HTTP elsewhere",
    "a redirect URI without a scheme",
    "a client secret file with a byte order mark",
    "a redirect URI whose query has state",
    "a parameter in the token endpoint's query that the request sets",
    "refresh of a connection whose application is removed",
    "the application is rejected, seen from another connection of it",
    "a name in braces that is not among variables",
    "a variable that is the whole host, from the callback, without host_suffixes",
    "connect without a value that an endpoint needs",
    "connect with a value that leads elsewhere",
    "connect with a value of no variable",
    "the callback leads to another host than the definition takes",
    "the callback does not say where the provider is",
    "the provider rejects a client of the connection's own",
    "the revocation endpoint needs a value that the answer does not bring",
    # The signing key
    "private_key_jwt without a key",
    "a signing key without private_key_jwt",
    "a client secret beside a signing key",
    "the signing key is encrypted",
    "the signing key is a public one",
    "the signing key is RSA of 1024 bits",
    "the signing key lies on another curve",
    "the signing key is of another kind",
    "the signing algorithm is another key's",
    "the signing key cannot be read",
    "app key of an application without a signing key",
    "the provider rejects what the signing key signed",
    # Discovery
    "the issuer publishes no document (404)",
    "the issuer is down (503)",
    "the document is another issuer's",
    "the document has a token endpoint over HTTP",
    "the document has no token endpoint",
    "the document has no PKCE S256",
    "the document has no way of client authentication that is known",
    "an issuer without https://",
    "an issuer with a query",
    "the issuer cannot be reached",
    "a definition contradicts the issuer",
    "an endpoint's host changed, without --accept-change",
    "refresh-issuer of an application that was not discovered",
    # The ways out
    "the provider is in a private network",
    "the provider has a name of private networks",
    "--allow-network with a bit behind its length",
    "--allow-network without a length",
    "--allow-network of no private network",
    "--nat64-prefix of a length that none has",
    "--nat64-prefix that is an IPv4 network",
    "--proxy without http://",
    "--proxy with a user name in it",
    "the proxy is down",
    "the proxy wants credentials (407)",
    "the proxy refuses (403)",
    "the proxy cannot connect to the provider (502)",
    "--proxy-credentials-file without --proxy",
    "the proxy's credentials have no colon",
    "--proxy-credentials-file can be read by others",
    "--resolve of an address elsewhere",
    "--resolve without a port",
    "--resolve of the same name and port twice",
    "--resolve without --allow-loopback-http",
    # The vault's files
    "the key is another vault's",
    "the key is the same byte throughout",
    "the key file can be read by others (0644)",
    "a passphrase for a vault that was made with a key file",
    "no vault is there",
    "init in a folder that is not there",
    "data.mdb can be read by others (0644)",
    "LOCK is not there",
    "HEADER is damaged",
    "HEADER is a symbolic link: audit",
    "SLOTS is twice as long: audit",
    "data.mdb is empty",
    "a record is damaged",
    "a record is damaged: serve --read-unverified",
    "data.mdb is cut to three pages: audit --salvage",
    "audit while serve runs",
    "another command owns the vault (connect waits for its callback)",
    "serve stands still (SIGSTOP)",
    "serve is started a second time",
    # Import and export
    "import: lines that are refused",
    "import: the vault has other tokens of the connection",
    "import: the file can be read by others",
    "export without a key to seal it with",
    "export: the recipient's key is cut short",
    "export: the passphrase is short",
    "export: the file is there already",
    "export while serve runs",
    "import of an export without its passphrase",
    "import of an export: the passphrase is wrong",
    "import of an export: the private key is another's",
    "import of an export that is cut short",
    "import of an export that was altered",
    # The disk
    "the disk is full: refresh",
    "the vault is on a file system that is read-only",
    # The command line
    "token of a connection that is not there",
    "an empty id",
    "--min-ttl 7200 of a token that lives for an hour",
    "a verb that is not there",
    "--ca-file holds a certificate that is damaged",
    "the root key on a descriptor that is not open",
}


def steady(text):
    """Without what differs from run to run."""
    text = re.sub(r"(Open this address in a browser:|stdout: https?://\S+\?\S+)\n?", "", text)
    text = re.sub(r"\b(127\.0\.0\.1:|port )\d{4,5}\b", r"\1PORT", text)
    text = re.sub(r"\b(not before|since|until|at) (\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(\.\d+)?Z",
                  r"\1 TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+Z|\+0000)", "TIME", text)
    text = re.sub(r"\b(process|pid|kill -CONT|kill) \d+", r"\1 PROCESS", text)
    text = re.sub(r"\buser-\d+\b", "user-NUMBER", text)
    text = re.sub(r"\bfor \d+ s\b", "for SECONDS s", text)
    text = re.sub(r"\((in \d+ s|\d+ s ago)\)", "(SECONDS)", text)
    return text.strip()


def written(text):
    """Text in a cell: DocC knows no HTML, and a line end would end the row."""
    lines = (" ".join(line.split()) for line in steady(text).splitlines())
    text = " · ".join(filter(None, lines))
    for mark in "\\|<*":
        text = text.replace(mark, f"\\{mark}")
    return text or "-"


def line(row):
    """A row of the page."""
    title, _, message, status, log, light = row
    if message in (log, light):
        log = light = "(the same)"
    cells = (title, message, status, log, light)
    return f"| {' | '.join(written(each) for each in cells)} |"

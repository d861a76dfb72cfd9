# SPDX-License-Identifier: Apache-2.0
"""What a process still holds of a private key with which its client has signed.

A host of the library connects, refreshes and disconnects as a client that authenticates by
private_key_jwt. Then all of its memory is searched for what is private in the key: the part of the
PEM file that holds it, and each number of it as the file has it (most significant byte first) and
as OpenSSL computes with it (words of a BIGNUM, least significant byte first).
"""

import argparse
import base64
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import memory_proof
import vault_processes

KINDS = {"rsa": ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
         "p256": ["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "ed25519": ["-algorithm", "ed25519"]}
REFRESHES = 20
# Holds what it is given until its input ends.
HOLDER = """import sys
held = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
print("held", flush=True)
sys.stdin.buffer.read()
"""


def openssl(*words, text=b""):
    return subprocess.run(["openssl", *words], input=text, capture_output=True, check=True).stdout


def elements(der):
    """The contents of the elements of a DER sequence."""
    def element(at):
        length, start = der[at + 1], at + 2
        if length >= 0x80:
            start += length - 0x80
            length = int.from_bytes(der[at + 2:start], "big")
        return start, start + length
    at, _ = element(0)
    found = []
    while at < len(der):
        start, at = element(at)
        found.append(der[start:at])
    return found


def url_text(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Key:
    """A new private key: its file, its public half, and what of it must be nowhere."""

    def __init__(self, kind):
        pem = openssl("genpkey", *KINDS[kind])
        self.file = pem.decode()
        public = openssl("pkey", "-pubout", "-outform", "DER", text=pem)
        text = "".join(self.file.splitlines()[1:-1])
        if kind == "rsa":
            parts = elements(openssl("rsa", "-traditional", "-outform", "DER", text=pem))
            numbers = {name: part.lstrip(b"\0") for name, part in
                       zip(["n", "e", "d", "p", "q", "dp", "dq", "qi"], parts[1:])}
            members = {"kty": "RSA", "n": url_text(numbers.pop("n")),
                       "e": url_text(numbers.pop("e"))}
            # Behind the modulus, which is no secret.
            lines = self.file.splitlines()[8:-1]
        elif kind == "p256":
            numbers = {"d": elements(openssl("ec", "-outform", "DER", text=pem))[1]}
            members = {"kty": "EC", "crv": "P-256", "x": url_text(public[-64:-32]),
                       "y": url_text(public[-32:])}
            lines = [text[48:88]]
        else:
            numbers = {"d": openssl("pkey", "-outform", "DER", text=pem)[-32:]}
            members = {"kty": "OKP", "crv": "Ed25519", "x": url_text(public[-32:])}
            lines = [text[22:64]]
        # RFC 7638: the key id that the vault gives it.
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        thumbprint = hashlib.sha256(text.encode()).digest()
        self.jwk = json.dumps({**members, "kid": url_text(thumbprint)})
        self.needles = {f"pem-{i}": line.encode() for i, line in enumerate(lines)}
        for name, number in numbers.items():
            self.needles[f"{name}-file"] = number
            self.needles[f"{name}-words"] = number[::-1]


def held(key, folder):
    """What the scanner finds in a process that has the key: what it is silent about elsewhere is
    not there."""
    content = b" ".join(key.needles.values())
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdin.write(f"{len(content)}\n".encode() + content)
    holder.stdin.flush()
    holder.stdout.readline()
    report = memory_proof.scan(holder.pid, folder, key.needles)
    holder.communicate()
    return report


def prove(options, folder):
    options.signs, options.leaky = True, False
    key = Key(options.key)
    practice = memory_proof.Practice(
        options.server, folder, key.jwk, option="--client-key-file")
    host, port = practice.address
    vault = vault_processes.LibraryHost(
        options.subject, folder, f"http://{host}:{port}", None, "practice-client", key.file,
        memory_proof.REDIRECT, options)
    stages = {"held": held(key, vault.directory)}

    def look(stage):
        time.sleep(0.2)
        stages[stage] = memory_proof.scan(vault.process.pid, vault.directory, key.needles)

    look("after_registration")
    vault.connect(["a"], practice.approve)
    for _ in range(REFRESHES):
        vault.refresh(["a"])
    look("after_signatures")
    vault.disconnect(["a"])
    look("after_disconnect")
    counters = practice.counters()
    state = vault.state()
    vault.end()
    practice.end()
    return {"stages": stages, "state": state, "accepted": counters["assertionsAccepted"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="the practice server's program")
    parser.add_argument("--subject", required=True, help="a host of the library")
    parser.add_argument("--key", required=True, choices=KINDS)
    parser.add_argument("--readable-arena", action="store_true", help="no memfd_secret")
    options = parser.parse_args()
    # Whoever started this may have signals blocked, and the processes started here must end by one.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    folder = tempfile.mkdtemp(prefix="tokenvault-proof-")
    try:
        print(json.dumps(prove(options, folder), indent=1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

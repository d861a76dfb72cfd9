# SPDX-License-Identifier: Apache-2.0
"""Certificates for 127.0.0.1, made by the `openssl` command: a good one, and four that are not."""

import os
import subprocess

ADDRESS = "subjectAltName=IP:127.0.0.1"
# `openssl ca` is the only command of OpenSSL 3.0 that takes both ends of a validity.
CONFIGURATION = """
[ca]
default_ca = here
[here]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


class Certificates:
    """Makes them once in a folder."""

    def __init__(self, folder):
        self.folder = str(folder)
        for name, text in ("ca.cnf", CONFIGURATION), ("index.txt", ""), ("serial", "01\n"):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                file.write(text)
        self._authority("authority")
        self._authority("stranger")
        self.ca_file = os.path.join(self.folder, "authority.pem")
        self._leaf("good", "authority", ADDRESS)
        self._leaf("untrusted", "stranger", ADDRESS)
        self._leaf("misnamed", "authority", "subjectAltName=DNS:other.example")
        self._leaf("expired", "authority", ADDRESS, "20200101000000Z")
        self._authority("self_signed", "-addext", ADDRESS)

    def pair(self, name):
        """The paths of a certificate and of its key."""
        return tuple(os.path.join(self.folder, f"{name}.{kind}") for kind in ("pem", "key"))

    def _openssl(self, *words):
        command = ["openssl", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise OSError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")

    def _request(self, name, *more):
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl("req", *new_key, "-keyout", f"{name}.key", "-subj", f"/CN={name}", *more)

    def _authority(self, name, *more):
        self._request(name, "-x509", "-days", "3650", "-out", f"{name}.pem", *more)

    def _leaf(self, name, authority, names, end="20491231235959Z"):
        self._request(name, "-out", f"{name}.csr", "-addext", names)
        signer = ["-config", "ca.cnf", "-cert", f"{authority}.pem", "-keyfile", f"{authority}.key"]
        dates = ["-startdate", "20190101000000Z", "-enddate", end]
        files = ["-in", f"{name}.csr", "-out", f"{name}.pem"]
        self._openssl("ca", "-batch", "-notext", *signer, *dates, *files)

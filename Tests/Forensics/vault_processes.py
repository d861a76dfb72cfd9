# SPDX-License-Identifier: Apache-2.0
"""The two sorts of process whose memory is proved: a host of the library, and the command."""

import concurrent.futures
import contextlib
import json
import os
import secrets
import subprocess
import urllib.parse


def write_secret(path, content):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


class LibraryHost:
    """`proof-subject`: verbs in lines on its input, answers in lines on its output."""

    def __init__(self, program, folder, url, authority, client, client_secret, redirect, options):
        self.directory = os.path.join(folder, "vault")
        key, secret = os.path.join(folder, "root.key"), os.path.join(folder, "client.secret")
        write_secret(key, secrets.token_bytes(32))
        write_secret(secret, client_secret.encode())
        words = [program, self.directory, key, url, client, secret, redirect]
        if authority:
            # The client secret then goes by a header, and here in the body.
            words += ["--ca", authority, "--post"]
        words += ["--leaky"] if options.leaky else []
        words += ["--mmap"] if options.readable_arena else []
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.expect("ready")

    def expect(self, word):
        line = self.process.stdout.readline().decode().split()
        if not line or line[0] != word:
            raise RuntimeError(f"the vault's process says {line} instead of {word}")
        return line[1:]

    def tell(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def settle(self):
        self.tell("settle")
        self.expect("settled")

    def connect(self, names, approve):
        self.tell(*(f"connect {name}" for name in names))
        urls = [self.expect("url")[0] for _ in names]
        self.settle()
        for url in urls:
            query = urllib.parse.urlsplit(approve(url)).query
            self.tell(f"complete {len(query)}")
            self.process.stdin.write(query.encode())
        self.settle()

    @contextlib.contextmanager
    def lent(self, name):
        self.tell(f"lend {name}")
        self.expect("lent")
        yield
        self.tell("")
        self.settle()

    def use(self, names):
        self.tell(*(f"use {name}" for name in names))
        self.settle()

    def refresh(self, names):
        self.tell(*(f"refresh {name}" for name in names))
        self.settle()

    def disconnect(self, names):
        self.tell(*(f"disconnect {name}" for name in names))
        for _ in names:
            receipt = self.expect("receipt")
            if receipt != ["revoked", "revoked", "1"]:
                raise RuntimeError(f"a disconnect's receipt says {receipt}")
        self.settle()

    def state(self):
        self.tell("state")
        words = self.expect("state")
        self.settle()
        return dict(word.split("=") for word in words)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class ServingCommand:
    """`tokenvault serve`, driven as people do: by the command's other verbs, through its socket."""

    def __init__(self, program, folder, url, authority, client, client_secret, redirect, options):
        self.program = program
        self.directory = os.path.join(folder, "vault")
        key, secret = os.path.join(folder, "root.key"), os.path.join(folder, "client.secret")
        write_secret(secret, client_secret.encode())
        self.run("init", "--key-file", key, "--generate-key")
        words = ["--allow-loopback-http", *(["--ca-file", authority] if authority else [])]
        self.process = subprocess.Popen(
            [program, "serve", "--vault", self.directory, "--key-file", key, *words],
            stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the command does not serve")
        self.run("app", "add", "practice", "--authorize-url", url + "/authorize", "--token-url",
                 url + "/token", "--revoke-url", url + "/revoke", "--client-id", client,
                 "--client-secret-file", secret, "--redirect-uri", redirect, "--scope", "read",
                 "--auth", "post" if authority else "basic")

    def run(self, *words, answer=None):
        """Runs a subcommand; `answer` is told each line it prints and says what to type."""
        process = subprocess.Popen([self.program, *words, "--vault", self.directory],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        typed = answer(process.stdout.readline().decode().strip()) if answer else ""
        output, errors = process.communicate(typed.encode())
        if process.returncode != 0:
            raise RuntimeError(f"{words[0]}: {errors.decode()}")
        return output

    def connect(self, names, approve):
        def one(name):
            self.run("connect", name, "--app", "practice", "--paste",
                     answer=lambda url: approve(url) + "\n")
        self.each(one, names)

    def use(self, names):
        self.each(lambda name: self.run("token", name), names)

    def refresh(self, names):
        self.each(lambda name: self.run("refresh", name), names)

    def disconnect(self, names):
        def one(name):
            receipt = json.loads(self.run("disconnect", name, "--yes", "--json"))
            if receipt["erased_slots"] != 1 or receipt["refresh_token"] != "revoked":
                raise RuntimeError(f"a disconnect's receipt says {receipt}")
        self.each(one, names)

    def each(self, verb, names):
        with concurrent.futures.ThreadPoolExecutor(min(len(names), 8)) as pool:
            list(pool.map(verb, names))

    def state(self):
        return {}

    def end(self):
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait()

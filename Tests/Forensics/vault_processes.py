# SPDX-License-Identifier: Apache-2.0
"""The two sorts of process whose memory is proved: a host of the library, and the command."""

import concurrent.futures
import contextlib
import json
import os
import secrets
import socket
import struct
import subprocess
import time
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
        words += ["--signs"] if getattr(options, "signs", False) else []
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

    @contextlib.contextmanager
    def refreshing(self, name):
        """A refresh whose answer is waited for behind this."""
        self.tell(f"refresh {name}")
        time.sleep(1)
        yield
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
    """`tokenvault serve`: a single connection by the command's own verbs, as people do, and many of
    them through its socket, which is what those verbs use."""

    # Kinds of frames; a frame is the kind, a length (4, little-endian) and bytes.
    MESSAGE, SECRET, FAILURE, END = b"MSFE"
    # How many requests the command answers at a time.
    WORKERS = 8

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

    def ask(self, verb, secret=None, **details):
        """One request through the socket: the messages of its answer, or the secret."""
        def frame(kind, content=b""):
            return bytes([kind]) + struct.pack("<I", len(content)) + content

        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(os.path.join(self.directory, "control"))
            wire.sendall(frame(self.MESSAGE, json.dumps({verb: details}).encode())
                         + (frame(self.SECRET, secret) if secret else b"") + frame(self.END))
            answer, replies = wire.makefile("rb"), []
            while True:
                kind, count = struct.unpack("<BI", answer.read(5))
                content = answer.read(count)
                if kind == self.FAILURE:
                    raise RuntimeError(f"{verb}: {content.decode()}")
                if kind == self.SECRET:
                    return content
                if kind == self.END:
                    return replies
                replies.append(json.loads(content))

    def connect(self, names, approve):
        def through_socket(name):
            reply, = self.ask("connect", id=name, application="practice")
            query = urllib.parse.urlsplit(approve(reply["authorization"]["url"])).query
            self.ask("complete", secret=query.encode(), id=name, application="practice")

        def by_command(name):
            self.run("connect", name, "--app", "practice", "--paste",
                     answer=lambda url: approve(url) + "\n")

        self.each(names, by_command, through_socket)

    def use(self, names):
        self.each(names, lambda name: self.run("token", name),
                  lambda name: self.ask("token", id=name, minimumSeconds=0))

    def refresh(self, names):
        self.each(names, lambda name: self.run("refresh", name),
                  lambda name: self.ask("refresh", id=name))

    def disconnect(self, names):
        def check(receipt):
            if receipt["erased_slots"] != 1 or receipt["refresh_token"] != "revoked":
                raise RuntimeError(f"a disconnect's receipt says {receipt}")

        def through_socket(name):
            reply, = self.ask("disconnect", id=name)
            check(reply["receipt"]["_0"])

        self.each(names, lambda name: check(json.loads(
            self.run("disconnect", name, "--yes", "--json"))), through_socket)

    def each(self, names, by_command, through_socket):
        if len(names) == 1:
            by_command(names[0])
            return
        with concurrent.futures.ThreadPoolExecutor(self.WORKERS) as pool:
            list(pool.map(through_socket, names))

    def state(self):
        return {}

    def end(self):
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Providers that are not in the catalog, by definitions alone.

    outside_providers.py PATH/TO/tokenvault [--verbose]

Two practice servers, headhunter.py and palisade.py, were written from how the providers behave, the
definitions beside them from Providers.md. Everything that a connection goes through is done with
the executable, over TLS on 127.0.0.1. The exit status is 0 where each step is as it should be.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from headhunter import HOSTS as HEADHUNTER_HOSTS, HeadHunter
from palisade import BUSY, HOSTS as PALISADE_HOSTS, Palisade, RENEWAL_GONE, TENANTS
from practice import free_port, make_certificates

HERE = pathlib.Path(__file__).resolve().parent
CLIENT_ID, CLIENT_SECRET = "client-77", "s3cret-Of-The-Client-0123456789"


class Failure(Exception):
    """A step is not as it should be."""


class Report:
    """The steps, as they are told."""

    def __init__(self):
        self.good, self.failed = 0, []

    def step(self, text, holds, found=""):
        if holds:
            self.good += 1
            print(f"  ok      {text}")
        else:
            self.failed.append(text)
            print(f"  FAILED  {text}: {found}")


class Vault:
    """A vault, driven by the executable."""

    def __init__(self, program, directory, provider, hosts, verbose):
        self.program, self.directory, self.verbose = program, pathlib.Path(directory), verbose
        self.provider = provider
        self.trust = ["--allow-loopback-http", "--ca-file", str(self.directory / "ca.pem")]
        for host in hosts:
            self.trust += ["--resolve", f"{host}:{provider.port}:127.0.0.1"]
        self.key = ["--key-file", "v.key"]
        self.environment = dict(os.environ, TOKENVAULT_PATH=str(self.directory / "v"))
        self.serve_process = None
        secret = self.directory / "client.secret"
        secret.write_text(CLIENT_SECRET)
        secret.chmod(0o600)

    def start(self, *arguments, **options):
        return subprocess.Popen([self.program, *arguments], cwd=self.directory, text=True,
                                env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def run(self, *arguments, opens=True):
        """Runs a command that ends by itself: its exit status, stdout and stderr."""
        if opens and self.serve_process is None:
            arguments = (*arguments, *self.key, *self.trust)
        process = self.start(*arguments, stdin=subprocess.DEVNULL)
        out, err = process.communicate(timeout=40)
        if self.verbose:
            print(f"    $ tokenvault {' '.join(arguments[:4])}: {process.returncode}")
            for line in (out + err).splitlines():
                print(f"      {line}")
        return process.returncode, out, err

    def init(self):
        return self.run("init", *self.key, "--generate-key", opens=False)[0]

    def add(self, app, definition, redirect_uri, *more):
        return self.run("app", "add", app, "--provider", str(definition), "--client-id", CLIENT_ID,
                        "--client-secret-file", "client.secret", "--redirect-uri", redirect_uri,
                        *more)

    def connect(self, connection, app, *more):
        """Connects, with a browser of our own: the exit status, stdout, stderr."""
        arguments = ["connect", connection, "--app", app, *more]
        if self.serve_process is None:
            arguments += self.key + self.trust
        process = self.start(*arguments, stdin=subprocess.DEVNULL)
        lines, troubles = [], []

        def read():
            for line in process.stdout:
                lines.append(line)
                if len(lines) == 1:
                    try:
                        self.browse(line.strip())
                    except (Failure, OSError, ValueError) as trouble:
                        troubles.append(f"the browser: {trouble}")
                        process.terminate()

        reader = threading.Thread(target=read)
        reader.start()
        patience = threading.Timer(20, process.kill)
        patience.start()
        err = process.stderr.read() + "".join(troubles)
        status = process.wait()
        patience.cancel()
        reader.join()
        if self.verbose:
            print(f"    $ tokenvault connect {connection}: {status}\n      {''.join(lines)}{err}")
        return status, "".join(lines), err

    def browse(self, url):
        """What the user's browser does: the provider's page, consent, and back to the callback."""
        parts = urllib.parse.urlsplit(url)
        context = ssl.create_default_context(cafile=str(self.directory / "ca.pem"))
        context.check_hostname = False  # the name is asked for by Host; the address is loopback
        request = urllib.request.Request(
            parts._replace(netloc=f"127.0.0.1:{self.provider.port}").geturl(),
            headers={"Host": parts.netloc})

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *arguments):
                return None

        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), Stay, urllib.request.HTTPSHandler(context=context))
        try:
            page = opener.open(request, timeout=10)
            raise Failure(f"the provider shows a page: {page.read()[:200]}")
        except urllib.error.HTTPError as answer:
            target = answer.headers.get("Location")
            if target is None:
                raise Failure(f"{answer.code}: {answer.read()[:200]}") from None
        with contextlib.suppress(urllib.error.HTTPError):
            opener.open(target, timeout=10).read()

    def status(self, connection):
        code, out, err = self.run("status", connection, "--json")
        if code != 0:
            raise Failure(f"status {connection}: {err.strip()}")
        return json.loads(out)

    def token(self, connection):
        code, out, err = self.run("token", connection)
        return code, out.strip(), err.strip()

    @contextlib.contextmanager
    def serve(self):
        process = self.start("serve", *self.key, *self.trust, "--drain", "2",
                             stdin=subprocess.DEVNULL)
        if process.stdout.readline().strip() != "ready":
            raise Failure(f"serve: {process.stderr.read()}")
        self.serve_process = process
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)
            self.serve_process = None


def with_port(definition, port, directory, change=lambda text: text):
    """A copy of the definition in which the endpoints have the practice server's port."""
    text = change((HERE / definition).read_text())
    text = re.sub(r"(?m)(https://[^/\s]+)/", rf"\1:{port}/", text)
    copy = pathlib.Path(directory) / definition
    copy.write_text(text)
    return copy


def wait_for(condition, seconds):
    """Whether the condition comes true within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def renewals(requests, parameter):
    """The refresh tokens that were presented, in order."""
    bodies = [r.form() or r.json() or {} for r in requests]
    return [body[parameter] for body in bodies if parameter in body]


def headhunter(program, directory, report, verbose):
    step = report.step
    make_certificates(directory, HEADHUNTER_HOSTS)
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    lifetime, taken = 2, 4  # how long a token lives, and how long it is taken to
    provider = HeadHunter(directory, CLIENT_ID, CLIENT_SECRET, redirect_uri, lifetime)
    vault = Vault(program, directory, provider, HEADHUNTER_HOSTS, verbose)
    try:
        code, out, err = vault.run("provider", "check", str(HERE / "headhunter.yaml"), opens=False)
        step("provider check takes the definition", code == 0 and "good" in out, err)
        code, out, err = vault.run("provider", "try", str(HERE / "headhunter.yaml"), opens=False)
        step("provider try shows a DELETE with the access token as bearer",
             "DELETE https://api.hh.ru/oauth/token\n  Authorization: Bearer ACCESS_TOKEN" in out,
             out + err)
        step("init", vault.init() == 0)
        definition = with_port("headhunter.yaml", provider.port, directory,
                               lambda text: text.replace("1209660", str(taken)))
        code, _, err = vault.add("jobs", definition, redirect_uri)
        step("app add", code == 0, err)

        code, out, err = vault.connect("anna", "jobs")
        connected = time.monotonic()
        step("connect", code == 0 and "connected anna" in out, out + err)
        status = vault.status("anna")
        step("status --json has the account and what was looked up",
             status.get("account") == "anna@example.com"
             and status.get("captured") == {"user": "5678", "employer": "1455", "manager": "90"},
             status)
        code, first, err = vault.token("anna")
        step("token is the provider's own", code == 0 and first in provider.access, err)

        code, _, err = vault.run("refresh", "anna")
        step("a refresh before the expiry is refused for now (69)",
             code == 69 and "token not expired" not in err, f"{code} {err}")
        status = vault.status("anna")
        step("and costs no grant", status["light"] != "red", status)

        used = [first]
        for count in (1, 2, 3):
            time.sleep(max(0.0, connected + taken + 0.2 - time.monotonic()))
            wait_for(lambda: vault.token("anna")[0] == 0, 8)
            connected = time.monotonic()
            code, token, err = vault.token("anna")
            step(f"after the expiry token is a new one ({count})",
                 code == 0 and token in provider.access and token not in used, err)
            used.append(token)
        shown = renewals(provider.seen("POST", "/oauth/token"), "refresh_token")
        step("each refresh presented the refresh token of the one before",
             len(set(shown)) == 3 and sum(p["used"] for p in provider.refresh.values()) == 3, shown)

        code, _, err = vault.connect("bert", "jobs")
        step("connect a second account", code == 0, err)
        provider.captcha = True
        time.sleep(taken + 0.2)
        code, _, err = vault.token("bert")
        status = vault.status("bert")
        step("while a captcha is asked for, no token (69), and the grant is not given up",
             code == 69 and status["reason"] == "refreshDelayed", f"{code} {err} {status}")
        provider.captcha = False
        provider.end_grants()
        wait_for(lambda: vault.token("bert")[0] == 79, 8)
        code, _, err = vault.token("bert")
        status = vault.status("bert")
        step("a grant that the user took back is lost (79), and red",
             code == 79 and (status["light"], status["reason"]) == ("red", "grantLost"),
             f"{code} {err} {status}")
        code, out, err = vault.connect("bert", "jobs")
        step("connecting again mends it",
             code == 0 and vault.status("bert")["light"] != "red", out + err)

        time.sleep(taken + 0.2)
        code, out, err = vault.run("disconnect", "bert", "--yes", "--json")
        receipt = json.loads(out)
        gone = provider.seen("DELETE", "/oauth/token")
        step("disconnect with an expired token refreshes it, then revokes",
             len(gone) == 1 and gone[0].bearer() in provider.access
             and not provider.access[gone[0].bearer()]["grant"]["alive"], f"{code} {receipt} {err}")
        step("the DELETE has no body", gone and not gone[0].body, gone and gone[0].body)
        code, out, err = vault.connect("cora", "jobs")
        code, out, err = vault.run("disconnect", "cora", "--yes", "--json")
        receipt = json.loads(out)
        step("disconnect: nothing lives on (0)",
             code == 0 and receipt["tokens_live_on"] is False
             and len(provider.seen("DELETE", "/oauth/token")) == 2, f"{code} {receipt} {err}")

        agents = {tuple(r.headers.get_all("User-Agent")) for r in provider.requests
                  if r.path != "/oauth/authorize"}
        step("each request of the vault had the application's User-Agent, once",
             agents == {("Recruiting-Bridge/1.0 (integrations@example.com)",)}, agents)
    finally:
        provider.close()


def palisade(program, directory, report, verbose):
    step = report.step
    make_certificates(directory, PALISADE_HOSTS)
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    provider = Palisade(directory, CLIENT_ID, CLIENT_SECRET, redirect_uri, 4)
    vault = Vault(program, directory, provider, PALISADE_HOSTS, verbose)
    try:
        code, out, err = vault.run("provider", "check", str(HERE / "palisade.yaml"), opens=False)
        step("provider check takes the definition", code == 0 and "good" in out, err)
        code, out, err = vault.run("provider", "try", str(HERE / "palisade.yaml"),
                                   "--set", "tenant=acme", opens=False)
        step("provider try shows the provider's own names",
             '"renewal":"REFRESH_TOKEN"' in out and '"action":"renew"' in out
             and "DELETE https://acme.auth.palisade.example/sessions/SESSION" in out, out + err)
        step("init", vault.init() == 0)
        definition = with_port("palisade.yaml", provider.port, directory)
        code, _, err = vault.add("erp", definition, redirect_uri,
                                 "--scope", "orders.read", "--scope", "stock.read")
        step("app add", code == 0, err)
        with vault.serve():
            code, _, err = vault.connect("anna", "erp")
            step("connect without the tenant is refused (64)", code == 64, f"{code} {err}")
            code, _, err = vault.connect("anna", "erp", "--set", "tenant=evil.example/#")
            step("a tenant that leads elsewhere is refused (64)", code == 64, f"{code} {err}")
            for name, tenant in (("anna", "acme"), ("bert", "beta")):
                code, out, err = vault.connect(name, "erp", "--set", f"tenant={tenant}")
                step(f"connect {name}, of the tenant {tenant}", code == 0, out + err)
            status = vault.status("anna")
            step("status --json has what callback, answer and look-up brought",
                 status.get("account") == "anna@acme.example"
                 and status["captured"].get("user") == "acme-4711"
                 and status["captured"].get("api") == "acme.api.palisade.example"
                 and status["captured"].get("session") in provider.sessions
                 and status["captured"].get("plan") == "gold"
                 and status["captured"].get("seats") == "12", status)
            step("and when the refresh token dies",
                 status.get("dies_at") and status.get("end_cause") == "stated", status)
            step("the scopes went with commas", provider.sessions[status["captured"]["session"]]
                 ["perms"] == "orders.read,stock.read", provider.sessions)
            session = provider.sessions[status["captured"]["session"]]
            code, token, err = vault.token("anna")
            step("token is the provider's own", code == 0 and token == session["token"], err)

            def renewed():
                shown = renewals(provider.seen("POST", "/renew"), "renewal")
                return [r.host for r in provider.seen("POST", "/renew")], shown

            step("serve refreshes by itself, three times each",
                 wait_for(lambda: all(renewed()[0].count(f"{t}.auth.palisade.example") >= 3
                                      for t in TENANTS), 25), renewed())
            step("no refresh token was presented twice",
                 len(set(renewed()[1])) == len(renewed()[1]), renewed()[1])
            code, token, err = vault.token("anna")
            step("token is the newest", code == 0 and token == session["token"], err)
            step("nothing was refused so far", not provider.refused, provider.refused)

            provider.busy = 2
            step("the provider is busy, twice", wait_for(lambda: provider.busy == 0, 10),
                 provider.busy)
            lights = [vault.status(n)["light"] for n in ("anna", "bert")]
            step("which costs nobody the grant", "red" not in lights, lights)
            step("and passes", wait_for(lambda: all(
                vault.token(n)[0] == 0 and vault.status(n).get("reason") is None
                for n in ("anna", "bert")), 15), vault.status("anna"))
            step("only that was refused", set(provider.refused) == {BUSY}, provider.refused)

            provider.end_sessions("beta")
            step("a session that the tenant ended is a lost grant, and red", wait_for(
                lambda: (vault.status("bert")["light"], vault.status("bert").get("reason"))
                == ("red", "grantLost"), 10), vault.status("bert"))
            step("told by the provider's own code", provider.refused[-1] == RENEWAL_GONE,
                 provider.refused)
            code, _, err = vault.token("bert")
            step("token of it ends with 79", code == 79, f"{code} {err}")
            step("the other tenant goes on", vault.token("anna")[0] == 0)

            session_id = vault.status("anna")["captured"]["session"]
            code, out, err = vault.run("disconnect", "anna", "--yes", "--json")
            receipt = json.loads(out)
            ended = provider.seen("DELETE", "/sessions/")
            step("disconnect ends the session at the provider, and nothing lives on (0)",
                 code == 0 and not receipt["tokens_live_on"]
                 and [r.path for r in ended] == [f"/sessions/{session_id}"]
                 and not session["alive"], f"{code} {receipt} {err}")
            code, out, err = vault.run("disconnect", "bert", "--yes", "--json")
            step("disconnect of what was ended before is fine, too (0)",
                 code == 0 and not json.loads(out)["tokens_live_on"], f"{code} {out} {err}")
    finally:
        provider.close()


PLAYS = {"headhunter": headhunter, "palisade": palisade}


def play(name, program, directory, report, verbose=False):
    """Takes one provider through all of it; what fails stands in the report."""
    try:
        PLAYS[name](program, directory, report, verbose)
    except (Failure, KeyError, ValueError, subprocess.SubprocessError) as error:
        report.step(f"{name} goes to its end", False, f"{type(error).__name__} {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the tokenvault executable")
    parser.add_argument("--verbose", action="store_true", help="show what each command printed")
    parser.add_argument("--only", choices=sorted(PLAYS), help="one of the two")
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.program).resolve())
    report, began = Report(), time.monotonic()
    for name in PLAYS:
        if arguments.only not in (None, name):
            continue
        print(name)
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o700)
            play(name, program, directory, report, arguments.verbose)
    print(f"{report.good} steps as they should be, {len(report.failed)} not, "
          f"in {time.monotonic() - began:.0f} s")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Starts the two authorization servers, and looks into their databases."""

import html.parser
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import requests

HERE = Path(__file__).parent
USERS = ["anna", "bert", "carl", "dora"]
REDIRECT = "https://client.example/callback"
# Beyond anything that a machine with much to do takes.
PATIENCE = 120


# Set where the trials are to end, be they through or not.
over = threading.Event()


def pause(seconds):
    """Sleeps, unless the trials end."""
    assert not over.wait(max(0, seconds)), "the trials were ended"


def until(condition, what, seconds=PATIENCE, every=0.1):
    """Waits until something holds and returns it; an AssertionError where it never does."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"in {seconds} s never: {what}"
        pause(every)
    return value


class Server:
    """A process of gunicorn, in a folder of its own."""

    name = application = authorize_path = token_path = revoke_path = None

    def __init__(self, folder, rotation):
        self.folder, self.rotation = folder, rotation
        folder.mkdir(exist_ok=True)
        self.environment = os.environ | {
            "TRIAL_SERVER_FOLDER": str(folder),
            "TRIAL_SERVER_ROTATION": rotation,
            "DJANGO_SETTINGS_MODULE": "django_server.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = self.log = self.port = None
        self.browsers = {}
        self.lock = threading.Lock()

    def start(self):
        """Starts it."""
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", HERE / "gunicorn.conf.py", self.application],
            cwd=HERE,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
        )
        return self

    def ready(self):
        """Waits until it answers."""

        def listens():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            return (self.folder / "port").exists()

        until(listens, f"{self.name} listens")
        self.port = int((self.folder / "port").read_text())
        return self

    def stop(self):
        """Ends it; its own child ends with it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.log.close()

    def execute(self, statement, *values):
        """A statement in its database; returns the rows."""
        connection = sqlite3.connect(self.folder / "server.sqlite3", timeout=60)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def authorize(self, user, url, authority):
        """The user at the browser: logs in, approves, and is sent to the URL that is returned."""
        with self.lock:
            browser = self.browsers.setdefault(user, requests.Session())
            browser.verify, browser.trust_env = str(authority), False
            answer = browser.get(url, timeout=PATIENCE)
            for _ in range(3):
                form = Form(answer.text)
                fields = form.fields | {
                    name: user for name in ("username", "password") if name in form.fields
                }
                answer = browser.post(
                    urllib.parse.urljoin(answer.url, form.action),
                    fields,
                    headers={"Referer": answer.url},
                    allow_redirects=False,
                    timeout=PATIENCE,
                )
                target = answer.headers.get("Location", "")
                if target.startswith(REDIRECT):
                    return target
                if target:
                    answer = browser.get(urllib.parse.urljoin(answer.url, target), timeout=PATIENCE)
        raise AssertionError(f"no way through {self.name}'s pages: {answer.status_code}")

    def takes(self, access_token):
        """Whether the resource takes an access token."""
        return (
            requests.get(
                f"http://127.0.0.1:{self.port}/profile",
                headers={"Authorization": f"Bearer {access_token}"},
                timeout=PATIENCE,
            ).status_code
            == 200
        )


class Form(html.parser.HTMLParser):
    """The form of a page."""

    def __init__(self, page):
        super().__init__()
        self.fields, self.action = {}, ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "form":
            self.action = named.get("action") or ""
        if tag == "input" and named.get("name"):
            # Of two buttons the last is pressed: to allow.
            self.fields[named["name"]] = named.get("value", "")


class Django(Server):
    """django-oauth-toolkit."""

    name = "django-oauth-toolkit"
    application = "django.core.wsgi:get_wsgi_application()"
    authorize_path, token_path, revoke_path = "/authorize/", "/token/", "/revoke_token/"

    def create(self):
        """Makes the database: seconds of computing, so that it is done once."""
        subprocess.run(
            [sys.executable, "-m", "django_server.populate", *USERS],
            cwd=HERE,
            env=self.environment,
            check=True,
        )
        return self.folder / "server.sqlite3"

    def start_with(self, made):
        """Starts it with a copy of a database."""
        if made != self.folder / "server.sqlite3":
            shutil.copy(made, self.folder)
        return self.start()

    def register(self, client, secret, **_):
        """A new application."""
        values = {
            "client_id": client,
            "client_secret": secret,
            "hash_client_secret": 0,
            "client_type": "confidential",
            "authorization_grant_type": "authorization-code",
            "redirect_uris": REDIRECT,
            "name": client,
            "skip_authorization": 0,
            "created": "2026-01-01 00:00:00",
            "updated": "2026-01-01 00:00:00",
        }
        # Whatever else the table has and wants.
        for _, column, _, required, default, _ in self.execute(
            "PRAGMA table_info(oauth2_provider_application)"
        ):
            if required and default is None and column not in values and column != "id":
                values[column] = ""
        self.execute(
            f"INSERT INTO oauth2_provider_application ({', '.join(values)})"
            f" VALUES ({', '.join('?' * len(values))})",
            *values.values(),
        )

    def change_secret(self, client, secret):
        """From now on this is the secret."""
        self.execute(
            "UPDATE oauth2_provider_application SET client_secret = ? WHERE client_id = ?",
            secret,
            client,
        )

    def withdraw(self, client, user):
        """The user takes the consent back."""
        tokens = (
            "WHERE user_id = (SELECT id FROM auth_user WHERE username = ?) AND application_id ="
            " (SELECT id FROM oauth2_provider_application WHERE client_id = ?)"
        )
        self.execute(
            f"UPDATE oauth2_provider_refreshtoken SET revoked = '2026-01-01 00:00:00' {tokens}",
            user,
            client,
        )
        self.execute(
            "UPDATE oauth2_provider_accesstoken SET expires = '2026-01-01 00:00:00' " + tokens,
            user,
            client,
        )

    def has_grant(self, client, user):
        """Whether a refresh token of theirs is still good."""
        return bool(
            self.execute(
                "SELECT 1 FROM oauth2_provider_refreshtoken token"
                " JOIN auth_user ON auth_user.id = token.user_id"
                " JOIN oauth2_provider_application application"
                " ON application.id = token.application_id"
                " WHERE token.revoked IS NULL AND client_id = ? AND username = ?",
                client,
                user,
            )
        )


class Authlib(Server):
    """The server half of Authlib."""

    name = "Authlib"
    application = "authlib_server:app"
    authorize_path, token_path, revoke_path = "/authorize", "/token", "/revoke"

    def register(self, client, secret, rotation="0", burns=False):
        """A new application."""
        self.execute(
            "INSERT INTO client VALUES (?, ?, ?, ?, ?)",
            client,
            secret,
            REDIRECT,
            rotation,
            burns,
        )

    def change_secret(self, client, secret):
        """From now on this is the secret."""
        self.execute("UPDATE client SET secret = ? WHERE client_id = ?", secret, client)

    def withdraw(self, client, user):
        """The user takes the consent back."""
        self.execute("UPDATE token SET ended = 1 WHERE client_id = ? AND user = ?", client, user)

    def has_grant(self, client, user):
        """Whether a refresh token of theirs is still good."""
        return bool(
            self.execute(
                "SELECT 1 FROM token WHERE ended IS NULL AND replaced IS NULL"
                " AND client_id = ? AND user = ?",
                client,
                user,
            )
        )


class Servers:
    """All that the trials need: django-oauth-toolkit once for each rotation, and Authlib."""

    def __init__(self, folder, rotations):
        self.authlib = Authlib(folder / "authlib", "0")
        self.djangos = {
            rotation: Django(folder / f"django-{rotation}", rotation) for rotation in rotations
        }
        self.all = [self.authlib, *self.djangos.values()]

    def __enter__(self):
        try:
            self.authlib.start()
            made = None
            for django in self.djangos.values():
                made = made or django.create()
                django.start_with(made)
            for server in self.all:
                server.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in self.all:
            if server.process:
                server.stop()

    def find(self, name, rotation):
        """The server of that name that rotates so."""
        return self.authlib if name == "Authlib" else self.djangos[rotation]


def certificate(folder):
    """A certificate for loopback and its key in one file; it is its own authority."""
    path = folder / "server.pem"
    made = subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
        " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout - -out -".split(),
        capture_output=True,
        check=True,
    ).stdout
    path.write_bytes(made)
    return path

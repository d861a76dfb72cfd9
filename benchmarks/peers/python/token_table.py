# SPDX-License-Identifier: Apache-2.0
"""What both Python peers share: tokens in SQLite, in the clear, 256 to a synced transaction."""

import json
import os
import sqlite3
import sys
import time

COMMIT_COUNT = 256
CLIENT_ID = "benchmark"
CLIENT_SECRET = "a" * 32


class TokenTable:
    """One row a connection, write-ahead log, every commit synced."""

    def __init__(self, home):
        self.database = sqlite3.connect(os.path.join(home, "python.db"), isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, token TEXT)")

    def fill(self, count):
        """Every token has expired."""
        expired = {
            "access_token": "a" * 704, "refresh_token": "r" * 96, "token_type": "Bearer",
            "expires_at": time.time() - 3600,
        }
        self.put([(number, expired) for number in range(count)])

    def put(self, tokens):
        rows = [(f"connection-{number}", json.dumps(token)) for number, token in tokens]
        self.database.execute("BEGIN")
        self.database.executemany("INSERT OR REPLACE INTO tokens VALUES (?, ?)", rows)
        self.database.execute("COMMIT")

    def get(self, number):
        row = self.database.execute(
            "SELECT token FROM tokens WHERE id = ?", (f"connection-{number}",)).fetchone()
        return json.loads(row[0])

    def expect_fresh(self, count):
        for number in range(count):
            if self.get(number)["expires_at"] <= time.time():
                raise SystemExit("a connection that was not refreshed")


class Batch:
    """Collects refreshed tokens and writes them 256 at a time."""

    def __init__(self, table):
        self.table = table
        self.tokens = []

    def add(self, number, token):
        self.tokens.append((number, dict(token)))
        if len(self.tokens) == COMMIT_COUNT:
            self.flush()

    def flush(self):
        if self.tokens:
            self.table.put(self.tokens)
        self.tokens = []


def measure(body):
    """Runs `body(home, url, in_flight, count, certificates)` and prints its two times."""
    home, url, in_flight, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    certificates = sys.argv[5] if len(sys.argv) > 5 else None
    TokenTable(home).fill(count)
    cpu, wall = time.process_time_ns(), time.monotonic_ns()
    body(home, url, in_flight, count, certificates)
    cpu, wall = time.process_time_ns() - cpu, time.monotonic_ns() - wall
    TokenTable(home).expect_fresh(count)
    print(f"{cpu / count:.1f} {wall / count:.1f}")

# SPDX-License-Identifier: Apache-2.0
"""What the servers have in common: where they listen, when they end, and a log of what they
answered."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

FOLDER = Path(os.environ["REAL_SERVER_FOLDER"])
CERTIFICATE, KEY = str(FOLDER / "server.pem"), str(FOLDER / "server.key")
# The seconds that access tokens live.
TOKEN_SECONDS = int(os.environ.get("REAL_SERVER_TOKEN_SECONDS", "3600"))


def listen():
    """A socket on a free port of loopback, and its port."""
    # Whoever started this may have blocked SIGTERM, and a child inherits that.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    return listener, listener.getsockname()[1]


def announce(port, stop):
    """Says where the server listens, and calls `stop` when standard input ends."""
    unfinished = FOLDER / "port.new"
    unfinished.write_text(str(port))
    unfinished.rename(FOLDER / "port")

    def stop_at_end_of_input():
        # A test process that dies closes the pipe, whatever it died of.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop()

    threading.Thread(target=stop_at_end_of_input, daemon=True).start()


def log_answer(method, path, status):
    """Adds a line, such as `POST /token/ 200`, before the answer is sent: who has the answer finds
    it there."""
    # One write of one line, so that lines of several threads do not mix.
    with open(FOLDER / "answers.log", "ab", buffering=0) as log:
        log.write(f"{method} {path} {status}\n".encode())

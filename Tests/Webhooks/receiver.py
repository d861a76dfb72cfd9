#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks that fails half of the time, in one way or another.

    receiver.py KEY_FILE LOG [SEED]

Prints its port. Each request is written to LOG as a line of JSON before it is answered: whether its
signature holds, by HMAC of Python's own, and whether it was taken.
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import random
import sys
import threading

FAILURES = ("500", "404", "302", "hang up", "half an answer", "taken, and then hang up")


def is_signed(key, headers, body):
    """Whether one of the signatures is of this key."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256)
    own = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(own, one) for one in headers["webhook-signature"].split())


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = self.server
        with server.lock:
            fails = server.random.random() < 0.5
            how = server.random.choice(FAILURES) if fails else "taken"
            server.log.write(json.dumps({
                "id": self.headers["webhook-id"],
                "timestamp": int(self.headers["webhook-timestamp"]),
                "signed": is_signed(server.key_file.read_text().strip(), self.headers, body),
                "how": how, "path": self.path, "body": json.loads(body)}) + "\n")
            server.log.flush()
        if how.isdigit() or how == "taken":
            self.send_response(200 if how == "taken" else int(how))
            if how == "302":
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
        else:
            if how == "half an answer":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Len")
            self.close_connection = True

    def do_GET(self):
        raise AssertionError("a redirect was followed")

    def log_message(self, format, *arguments):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    server.key_file = pathlib.Path(sys.argv[1])
    server.log = open(sys.argv[2], "a", encoding="utf-8")
    server.random = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else None)
    server.lock = threading.Lock()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

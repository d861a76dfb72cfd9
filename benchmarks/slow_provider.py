# SPDX-License-Identifier: Apache-2.0
"""slow_provider.py PORT MILLISECONDS: answers each POST with the same tokens after about so long.

Half to one and a half times as long, so that answers arrive one by one, as they do over a network.
GET /status counts as nginx's stub_status does. On loopback alone; ends when it is stopped.
"""

import asyncio
import random
import sys

BODY = (b'{"access_token":"' + b"a" * 704 + b'","token_type":"Bearer","expires_in":31536000,'
        b'"refresh_token":"' + b"r" * 96 + b'"}')
REQUEST_BYTES_MAX = 65536
requests = 0


def answer(body):
    """A whole answer of HTTP."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, milliseconds):
        self.seconds = milliseconds / 1000
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        global requests
        self.received += data
        if len(self.received) > REQUEST_BYTES_MAX:
            self.transport.abort()
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if not found or len(body) < int(length or 0):
            return
        self.received = b""
        requests += 1
        if head.startswith(b"GET"):
            text = b"Active connections: 1\nserver accepts handled requests\n 1 1 %d\n" % requests
            self.transport.write(answer(text))
        else:
            asyncio.get_running_loop().call_later(
                self.seconds * random.uniform(0.5, 1.5), self.transport.write, answer(BODY))


async def main():
    """Listens until it is stopped."""
    port, milliseconds = int(sys.argv[1]), float(sys.argv[2])
    server = await asyncio.get_running_loop().create_server(
        lambda: Provider(milliseconds), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


asyncio.run(main())

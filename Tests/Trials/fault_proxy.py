# SPDX-License-Identifier: Apache-2.0
"""A proxy between a vault and an authorization server: TLS in front, faults on demand, and notes
of which refresh token was presented when, and what became of the answer.

Only refreshes meet faults. All proxies share one thread.
"""

import asyncio
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What becomes of one refresh. The server acts at once, unless it is not reached."""

    name: str
    delay: float = 0  # seconds by which the answer is late
    gate: threading.Event | None = None  # what the answer waits for
    begun: bool = False  # whether the answer's head comes before the delay
    end: str = "answered"  # or "answered and closed", "closed", "reset", "cut", "silent"
    instead: bytes | None = None  # the whole answer that is given in the server's place
    only: int | None = None  # the status that has to have been the server's for that
    reaches: bool = True  # the server

    def __call__(self, status):
        """Whether the server's answer of that status is replaced."""
        return self.instead is not None and self.only in (None, status)


NONE = Fault("")
CLOSED = Fault("closed", end="closed")
RESET = Fault("reset", end="reset")
CUT = Fault("cut in the middle", end="cut")
SILENT = Fault("never answered", end="silent")
LOST_BEFORE = Fault("closed before the server", end="closed", reaches=False)


def late(seconds):
    """The answer comes that late."""
    return Fault(f"{seconds} s late", delay=seconds)


def begun(seconds):
    """The head comes at once, and the body that late."""
    return Fault(f"body {seconds} s late", delay=seconds, begun=True)


def saying(status, body="", kind="application/json", only=None, reaches=True):
    """Another answer than the server's."""
    text = body if isinstance(body, str) else json.dumps(body)
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
    what = f"{status} {body['error']}" if isinstance(body, dict) else f"{status} without a word"
    return Fault(f"told {what}", instead=(head + text).encode(), only=only, reaches=reaches)


@dataclass
class Presented:
    """A refresh token that the vault presented."""

    owner: str  # the connection whose grant it belongs to
    number: int  # 0 is what the code exchange brought, 1 what replaced it, and so on
    fault: str
    at: float = field(default_factory=time.monotonic)
    status: int | None = None  # what the server answered
    issued: int | None = None  # the number of the refresh token that it answered with
    gone: float | None = None  # since when the answer cannot reach the vault any more
    done: bool = False  # whether nothing more is going to happen to it
    hung_up: float | None = None  # when the vault closed the connection before its answer

    def __str__(self):
        said = [str(self.status or "not reached")]
        if self.fault:
            said.append(self.fault)
        if self.hung_up:
            said.append(f"vault hung up after {self.hung_up - self.at:.0f} s")
        return f"{self.owner}'s {self.number}: {', '.join(said)}"


class Loop:
    """The thread in which all proxies run."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine):
        """Runs something there and waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def stop(self):
        """Ends the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)


class Proxy:
    """One trial's way to its server."""

    def __init__(self, loop, certificate, server_port, rotation, token_path, listens=600):
        self.loop, self.server_port, self.rotation = loop, server_port, rotation
        self.token_path, self.listens = token_path, listens
        self.faults = []  # of the next refreshes, one each
        self.always = NONE  # of all the others
        self.lifetime = None  # what the server's answers are made to say in place of an hour
        self.connecting = None  # who goes through the code exchange
        self.presented = []
        self.violations = []
        self.numbers = {}  # refresh token -> (owner, number)
        self.latest = {}  # owner -> the newest refresh token's number
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.tasks = set()
        self.server = loop.run(self.start())
        self.port = self.server.sockets[0].getsockname()[1]

    async def start(self):
        return await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.tls)

    def stop(self):
        """Closes everything."""

        async def stop():
            self.server.close()
            for task in list(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

        self.loop.run(stop())

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            while await self.exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def exchange(self, reader, writer):
        """One request and its answer. Whether another may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split("\r\n")[0].split(" ")
        headers = [line for line in head.split("\r\n")[1:] if line]
        length = next((h[15:] for h in headers if h.lower().startswith("content-length:")), "0")
        body = await reader.readexactly(int(length))
        form = urllib.parse.parse_qs(body.decode("latin-1"))
        is_token = method == "POST" and path == self.token_path
        if is_token and "refresh_token" in form:
            return await self.refresh(reader, writer, method, path, headers, body, form)
        status, answer = await self.forward(method, path, headers, body)
        if is_token and status == 200 and self.connecting:
            self.number(members(answer).get("refresh_token"), self.connecting)
            answer = self.shortened(answer)
        writer.write(answer)
        await writer.drain()
        return True

    async def refresh(self, reader, writer, method, path, headers, body, form):
        """A refresh, and its fault."""
        token = form["refresh_token"][0]
        fault = self.faults.pop(0) if self.faults else self.always
        note = Presented(*self.numbers.get(token, ("nobody", -1)), fault.name)
        self.judge(note)
        self.presented.append(note)
        try:
            answer = b""
            if fault.reaches:
                note.status, answer = await self.forward(method, path, headers, body)
                if note.status == 200:
                    note.issued = self.number(members(answer).get("refresh_token"), note.owner)
                    answer = self.shortened(answer)
            if fault(note.status):
                answer = fault.instead
            if fault.begun:
                head, between, answer = answer.partition(b"\r\n\r\n")
                writer.write(head + between)
                await writer.drain()
            if not await self.waited(reader, fault):
                note.hung_up = time.monotonic()
                return False
            if fault.end.startswith("answered"):
                writer.write(answer)
                await writer.drain()
                return fault.end == "answered"
            if fault.end == "cut":
                writer.write(answer[: answer.index(b"\r\n\r\n") + 4 + 40])
                await writer.drain()
            if fault.end == "reset":
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            note.gone = time.monotonic()
            return False
        finally:
            note.done = True

    async def waited(self, reader, fault):
        """Waits as long as the answer is late: False where the vault hangs up before."""
        ended = asyncio.ensure_future(reader.read(1))
        try:
            while fault.gate and not fault.gate.is_set():
                await asyncio.wait({ended}, timeout=0.1)
            seconds = None if fault.end == "silent" else fault.delay
            if seconds != 0:
                await asyncio.wait({ended}, timeout=seconds)
            return not ended.done()
        finally:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)

    async def forward(self, method, path, headers, body):
        """Status and whole answer of the server."""
        kept = [h for h in headers if not h.lower().startswith(("connection:", "expect:"))]
        # HTTP/1.0, for the end of the connection to be the end of the answer.
        head = [f"{method} {path} HTTP/1.0", *kept, "X-Forwarded-Proto: https"]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        try:
            writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *headers = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        dropped = ("connection:", "content-length:", "transfer-encoding:")
        kept = [h for h in headers if not h.lower().startswith(dropped)]
        head = [f"HTTP/1.1 {status} Answered", *kept, f"Content-Length: {len(body)}", "", ""]
        return status, "\r\n".join(head).encode("latin-1") + body

    def shortened(self, answer):
        """The answer, with another lifetime where one is set."""
        if self.lifetime is None:
            return answer
        body = json.dumps(members(answer) | {"expires_in": self.lifetime}).encode()
        head = answer.partition(b"\r\n\r\n")[0].rpartition(b"\r\n")[0]
        return head + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def number(self, token, owner):
        """The number of a refresh token that the server gave out."""
        if token and token not in self.numbers:
            self.latest[owner] = self.latest.get(owner, -1) + 1
            self.numbers[token] = (owner, self.latest[owner])
        return self.numbers.get(token, (owner, None))[1]

    def judge(self, note):
        """A strict server must not see a replaced token while the answer with the newer one can
        still come, or has come."""
        if self.rotation != "0":
            return
        for earlier in self.presented:
            same = (earlier.owner, earlier.number) == (note.owner, note.number)
            if not same or earlier.issued in (None, note.number):
                continue
            silent = earlier.fault == SILENT.name and note.at >= earlier.at + self.listens
            if earlier.gone is None and not silent:
                self.violations.append(
                    f"{note} was presented {note.at - earlier.at:.1f} s after it had been replaced,"
                    f" while the answer could still be read ({earlier})"
                )

    def saw(self):
        """The refreshes, in words."""
        return "; ".join(str(note) for note in self.presented)


def members(answer):
    """The members of an answer's JSON object."""
    try:
        return json.loads(answer.partition(b"\r\n\r\n")[2])
    except ValueError:
        return {}

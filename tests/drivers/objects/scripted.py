"""A store that follows a script, one connection after the other, and what asks it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import trio
import trio.testing
from attrs import define, evolve, field

from bitvault.drivers.objects.heads import Heads
from bitvault.drivers.objects.s3 import (
    _heads,
)
from bitvault.kernel.clock import SystemClock
from tests.drivers.objects.conftest import options_for

Behave = Callable[["Conversation"], Awaitable[None]]


def found(size: int, *more: bytes) -> bytes:
    """Return an answer that describes an object of this size."""
    lines = [b"HTTP/1.1 200 OK", b"ETag: x", b"Content-Length: %d" % size, *more]
    return b"\r\n".join([*lines, b"", b""])


@define(eq=False)
class Conversation:
    """One connection as the server sees it."""

    stream: trio.abc.Stream
    ended: trio.Event = field(factory=trio.Event)

    async def hear(self) -> bool:
        """Read the next request; False: the client has hung up."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            try:
                chunk = await self.stream.receive_some()
            except trio.BrokenResourceError:
                chunk = b""
            if not chunk:
                return False
            head += chunk
        return True

    async def answer(self, *answers: bytes) -> None:
        """Answer one request after the other."""
        for one in answers:
            if not await self.hear():
                return
            await self.stream.send_all(one)


@define(eq=False)
class Server:
    """Behaves on its n-th connection as the n-th of the script says, and then as the last."""

    script: Sequence[Behave]
    url: str = ""
    conversations: list[Conversation] = field(factory=list)

    @property
    def named(self) -> str:
        """Return the URL with TLS, as its certificate names it."""
        return self.url.replace("http://127.0.0.1", "https://localhost")

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Have one conversation."""
        conversation = Conversation(stream)
        self.conversations.append(conversation)
        behave = self.script[min(len(self.conversations), len(self.script)) - 1]
        try:
            await behave(conversation)
        except trio.BrokenResourceError:
            pass  # the client has hung up
        finally:
            conversation.ended.set()
            await trio.aclose_forcefully(stream)


@asynccontextmanager
async def serving(*script: Behave) -> AsyncIterator[Server]:
    """Have a server that follows a script."""
    server = Server(script)
    async with trio.open_nursery() as nursery:
        listen = partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1")
        listeners = await nursery.start(listen)
        server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        yield server
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def asking(url: str, timeout: float = 5.0, connections: int = 4) -> AsyncIterator[Heads]:  # noqa: ASYNC109 - of the store
    """Have what asks it."""
    options = evolve(options_for(url), read_timeout=timeout, connections=connections)
    heads = _heads(options, SystemClock())
    try:
        yield heads
    finally:
        heads.close()


def saying(*answers: bytes) -> Behave:
    """Answer these requests in order, then hang up."""
    return lambda conversation: conversation.answer(*answers)

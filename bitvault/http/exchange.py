"""One request and its answer: nothing is taken or held for longer than its client deserves.

A large body is received once somebody wants it. An answer has one deadline from its first byte to
its last, and is counted until its client has taken it. A body that is answered before it has
arrived is received and dropped for a while, or the connection closes.
"""

import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from urllib.parse import unquote

import trio
from attrs import define, field, frozen

from bitvault.edge.places import Place, Places
from bitvault.http.heads import target_path
from bitvault.http.patience import Patience
from bitvault.http.serving import BODY, BODY_WANTED, HOLD_ANSWER, SMALL_BODY

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

_NO_PATH = "/\0"
"""Of a request whose target names none that is served; the application refuses it."""
_WITH_BODY = {b"content-length", b"transfer-encoding"}
_SLICE = 64 << 10
_MOST_REST = 16 << 20
"""Bytes of a body that is answered already: more is not waited for."""


class Line(Protocol):
    """What an exchange asks of its connection."""

    unsent: int
    """Bytes of large answers on it that the client has not taken."""

    def due(self, exchange: object, when: float) -> None:
        """Cut the connection at an instant, unless the exchange sets another one before."""

    def waits(self, exchange: object, since: float) -> None:
        """Note since when an exchange waits for its body; ``inf`` while it does not."""

    def forget(self, exchange: object) -> None:
        """Note that an exchange is over."""

    def cut(self) -> None:
        """Cut the connection now."""

    async def proceed(self) -> None:
        """Tell a client that asked before sending its body to send it."""

    def has_request(self) -> bool:
        """Whether all of a request of HTTP/1.1 has been read."""


@frozen
class Answers:
    """Room for the answers of one connection that their client has not taken."""

    places: Places
    """In all, and for each address."""
    most: int
    """On this connection."""


@frozen
class Unhurried:
    """The application as it is served on one connection."""

    application: Application
    patience: Patience
    line: Line
    answers: Answers
    turn: Callable[[Any], AbstractAsyncContextManager[None]]
    """Waits for the turn of a request, given its scope, and holds it."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = Exchange(scope, receive, send, self)
        self.line.waits(exchange, math.inf)
        try:
            given = {**scope, BODY_WANTED: exchange.wanted, HOLD_ANSWER: exchange.hold}
            given["path"] = _path(scope)
            async with self.turn(scope):
                if (body := await exchange.at_hand()) is not None:
                    given[BODY] = body
                await self.application(given, exchange.receiving, exchange.sending)
        finally:
            exchange.end()


@define(eq=False)
class Exchange:
    """One request on its way."""

    scope: Any
    receive: Receive
    send: Send
    unhurried: Unhurried
    wanted: trio.Event = field(factory=trio.Event, init=False)
    _arrived: trio.Event = field(factory=trio.Event, init=False)
    _is_answered: bool = field(default=False, init=False)
    _has_no_body: bool = field(init=False)
    """Known of HTTP/1.1 alone: in HTTP/2 the end of a request is a flag of a later frame."""
    _asks_first: bool = field(init=False)
    _place: Place | None = field(default=None, init=False)
    _is_left: bool = field(default=False, init=False)
    _is_waiting: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Find out whether the body has to be waited with."""
        headers = dict(self.scope["headers"])
        is_eleven = self.scope.get("http_version") == "1.1"
        self._asks_first = is_eleven and headers.get(b"expect", b"").lower() == b"100-continue"
        self._has_no_body = is_eleven and not headers.keys() & _WITH_BODY
        if self._has_no_body:
            self._arrived.set()
        if _is_small(headers) and not self._asks_first:
            self.wanted.set()

    def hold(self, address: str, size: int) -> bool:
        """Hold room for an answer until its client has taken it; False if there is none."""
        line, answers = self.unhurried.line, self.unhurried.answers
        if self.scope["method"] == "HEAD":
            return True
        if line.unsent and line.unsent + size > answers.most:
            answers.places.refused += 1
            return False
        self._place = answers.places.enter(address, line.cut, size)
        if self._place is not None:
            line.unsent += size
        return self._place is not None

    def end(self) -> None:
        """Give back what was held."""
        line = self.unhurried.line
        line.forget(self)
        if self._place is not None:
            line.unsent -= self._place.size
            self.unhurried.answers.places.leave(self._place)
        if not self._is_left:
            line.due(self, math.inf)

    async def at_hand(self) -> bytes | None:
        """Return the body where nothing is left to wait for; a large one is not looked at."""
        if self._has_no_body:
            return b""
        if not (self.wanted.is_set() and self.unhurried.line.has_request()):
            return None
        body, more = b"", True
        while more:
            event = await self.receiving()
            body, more = body + event["body"], event["more_body"]
        return body

    async def receiving(self) -> Any:
        """Receive the body; nothing of a large one is taken before somebody wants it."""
        await self.wanted.wait()
        if self._asks_first and not self._is_answered:
            self._asks_first = False
            await self.unhurried.line.proceed()
        self._wait()
        event = await self.receive()
        if not event.get("more_body"):
            self._arrived.set()
            self.unhurried.line.waits(self, math.inf)
        return {**event, "body": b""} if self._is_answered and "body" in event else event

    def _wait(self) -> None:
        """Wait for the client until all of the body is there; a part of it renews nothing."""
        if not (self._is_waiting or self._arrived.is_set()):
            self._is_waiting = True
            self.unhurried.line.waits(self, trio.current_time())

    async def sending(self, message: Any) -> None:
        """Send the answer."""
        if message["type"] == "http.response.start":
            message = self._begun(message)
        elif message["type"] == "http.response.body":
            message = await self._sliced(message)
            if not message.get("more_body", False) and not self._arrived.is_set():
                await self.send({**message, "more_body": True})
                await self._receive_rest()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self.send(message)

    def _begun(self, message: Any) -> Any:
        """Set the answer's deadline; say that the connection closes where no body may come."""
        headers = dict(message["headers"])
        length = headers.get(b"content-length", b"0")
        seconds = self.unhurried.patience.for_answer(int(length))
        self.unhurried.line.due(self, trio.current_time() + seconds)
        if not self._asks_first:
            return message
        return {**message, "headers": [*message["headers"], (b"connection", b"close")]}

    async def _sliced(self, message: Any) -> Any:
        """Send all but the last slice, so that no more is copied than is on its way."""
        body, more = memoryview(message.get("body", b"")), message.get("more_body", False)
        while len(body) > _SLICE:
            await self.send({**message, "body": bytes(body[:_SLICE]), "more_body": True})
            body = body[_SLICE:]
        return {**message, "body": bytes(body), "more_body": more}

    async def _receive_rest(self) -> None:
        """Drop the rest of the body; where it does not come, the connection has to end soon."""
        self._is_answered = True
        seconds = self.unhurried.patience.rest
        if not self._asks_first and self._said() <= _MOST_REST:
            self.wanted.set()
            with trio.move_on_after(seconds):
                # Quart goes on receiving what it has no use for until the answer ends.
                await self._arrived.wait()
        if not self._arrived.is_set():
            self._is_left = True
            self.unhurried.line.due(self, trio.current_time() + seconds)

    def _said(self) -> int:
        length = dict(self.scope["headers"]).get(b"content-length", b"0")
        return int(length) if length.isdigit() else 0


def _path(scope: Any) -> str:
    """Return the path that is asked for, as it is: the routes would pass over further slashes."""
    path = unquote(target_path(scope["method"], scope["raw_path"]) or _NO_PATH)
    return _NO_PATH if path.startswith("//") else path


def _is_small(headers: dict[bytes, bytes]) -> bool:
    """Say whether a body has no need to be waited with: it fits into what is buffered anyway."""
    length = headers.get(b"content-length", b"0")
    return b"transfer-encoding" not in headers and length.isdigit() and int(length) <= SMALL_BODY

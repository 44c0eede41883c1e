"""Services of other processes: asked by messages that the codec writes (ADR-0041)."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
import structlog
import trio
from attrs import frozen

from bitvault.drivers.transport.port import Transport
from bitvault.kernel.codec import Codec, NotUnderstood, answer_of
from bitvault.kernel.refusal import DependencyDown, Failed, Unavailable
from bitvault.kernel.request import Request
from bitvault.kernel.tags import tags_of
from bitvault.kernel.timing import Spent, spent
from bitvault.kernel.tracing import Cause, cause
from bitvault.manifest import Manifest
from supervisors import (
    Actor,
    ActorDied,
    AskTimeout,
    MailboxFull,
    NotRunning,
    Ref,
    Relayed,
    UnknownMessage,
    seconds_left,
)

_LONGEST = 600.0
"""Seconds that a peer may have something done for; whoever asks for more gets these."""


def codec_of(manifests: Iterable[Manifest[Any]]) -> Codec:
    """Return what writes and reads every message of these services."""
    return Codec(tags_of(one.contract for one in manifests))


class Asked(msgspec.Struct, frozen=True):
    """A request on its way, with what its handler had in its context here."""

    service: str
    message: str
    """The tag of the request."""
    content: msgspec.Raw
    seconds: float
    """How long the asker waits from now on: clocks of two machines differ."""
    request_id: str = ""
    traceparent: str = ""


class Answered(msgspec.Struct, frozen=True):
    """An answer on its way back, or why there is none."""

    reply: msgspec.Raw = msgspec.Raw(b"null")
    fault: str = ""
    """``timeout``, ``full``, ``not_running``, ``died`` or ``not_understood``; empty: none."""
    reason: str = ""
    database_seconds: float = 0.0
    database_statements: int = 0


_FAULTS: dict[str, Callable[[str, str], ActorDied | AskTimeout | MailboxFull]] = {
    "timeout": lambda name, _: AskTimeout(f"{name} did not answer in time"),
    "full": lambda name, _: MailboxFull(name),
    "not_running": lambda name, _: NotRunning(name),
    "died": ActorDied,
}


class Remote(Actor):
    """A service that another process has: it is asked as if it were here.

    A way that is broken is ``Unavailable``. What the other process says of the service (that it is
    restarting, has too much to do, or was too slow) the asker gets as it would from one here.
    """

    def __init__(self, manifest: Manifest[Any], codec: Codec, transport: Transport) -> None:
        self._name, self._codec, self._transport = manifest.name, codec, transport
        self.handlers = dict.fromkeys(manifest.handles, "handle")

    async def handle(self, message: Any) -> Any:
        """Ask the other process."""
        try:
            return await self._ask(message)
        except Relayed:
            raise
        except DependencyDown:
            return Unavailable(self._name)
        except Exception as bug:  # noqa: BLE001 - whatever it is, it is one request's (ADR-0004)
            _log("asking failed", type(message).__name__, exc_info=bug)
            return Failed()

    async def _ask(self, message: Any) -> Any:
        asked = self._asked(message)
        with trio.move_on_after(asked.seconds) as patience:
            encoded = msgspec.json.encode(asked)
            got = await self._transport.carry(self._name, encoded)
        if patience.cancelled_caught:
            raise Relayed(_FAULTS["timeout"](self._name, ""))
        answered = msgspec.json.decode(got, type=Answered)
        _add(answered)
        if answered.fault in _FAULTS:
            raise Relayed(_FAULTS[answered.fault](self._name, answered.reason))
        if answered.fault:
            _log(answered.fault, asked.message, reason=answered.reason)
            return Failed()
        return self._codec.decode(answered.reply, answer_of(type(message)))

    def _asked(self, message: Any) -> Asked:
        now, kind = cause.get(), type(message)
        return Asked(
            self._name,
            self._codec.tag_of(kind),
            msgspec.Raw(self._codec.encode(message, kind)),
            max(seconds_left(), 0.0),
            now.request_id,
            now.traceparent,
        )


@frozen(eq=False)
class Answering:
    """Lets other processes ask the services of this one, and none that it has to ask elsewhere."""

    services: Collection[str]
    codec: Codec
    ref: Callable[[str], Ref]

    async def answer(self, received: bytes) -> bytes:
        """Answer what came from a peer; in a task whose context is nobody else's."""
        tally = Spent()
        spent.set(tally)
        answered = await self._answer(received)
        return msgspec.json.encode(
            msgspec.structs.replace(
                answered,
                database_seconds=tally.database_seconds,
                database_statements=tally.database_statements,
            )
        )

    async def _answer(self, received: bytes) -> Answered:
        try:
            asked, message = self._read(received)
            cause.set(Cause(asked.request_id, asked.traceparent))
            reply = await self._ask(asked, message)
        except (NotUnderstood, UnknownMessage) as error:
            return Answered(fault="not_understood", reason=str(error))
        except AskTimeout:
            return Answered(fault="timeout")
        except MailboxFull:
            return Answered(fault="full")
        except NotRunning:
            return Answered(fault="not_running")
        except ActorDied as died:
            return Answered(fault="died", reason=died.cause)
        return Answered(msgspec.Raw(self._written(reply, message)))

    def _read(self, received: bytes) -> tuple[Asked, Any]:
        try:
            asked = msgspec.json.decode(received, type=Asked)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise NotUnderstood(str(error)) from error
        kind = self.codec.kind_of(asked.message)
        if not issubclass(kind, Request):
            raise NotUnderstood(f"{asked.message!r} is no request")
        return asked, self.codec.decode(asked.content, kind)

    async def _ask(self, asked: Asked, message: Request[Any, Any]) -> Any:
        if asked.service not in self.services:
            raise NotRunning(asked.service)
        if asked.seconds <= 0:
            raise AskTimeout(f"{asked.service} was asked too late")
        timeout = min(asked.seconds, _LONGEST)
        return await self.ref(asked.service).ask(message, timeout=timeout)

    def _written(self, reply: Any, message: Any) -> bytes:
        try:
            return self.codec.encode(reply, answer_of(type(message)))
        except Exception as bug:  # noqa: BLE001 - a reply that was not declared is one request's
            _log("answering failed", type(message).__name__, exc_info=bug)
            return self.codec.encode(Failed(), answer_of(type(message)))


def _add(answered: Answered) -> None:
    """Count what the other process took for the request that is served here."""
    if (here := spent.get()) is not None:
        here.database_seconds += answered.database_seconds
        here.database_statements += answered.database_statements


def _log(event: str, request: str, **said: Any) -> None:
    said["requestId"] = cause.get().request_id
    structlog.get_logger("remote").error(event, request=request, **said)

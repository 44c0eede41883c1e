"""Names of live actors. A Ref holds a name, looked up at each ask, so actors may restart."""

import contextvars
from typing import Any, TypeVar, cast

import attrs
import trio

from supervisors.errors import AskTimeout, NameTaken, NotRunning, UnknownMessage
from supervisors.mailbox import Envelope, Mailbox, Request

__all__ = ["Ref", "Registry", "RegistryStatistics", "seconds_left"]

R = TypeVar("R")
_ASK_TIMEOUT = 30.0
_gives_up: contextvars.ContextVar[float] = contextvars.ContextVar("gives_up")
"""When the asker of the running handler stops waiting, by Trio's clock."""


def seconds_left() -> float:
    """Return how long the asker of the running handler still waits; 0 or less: not any more."""
    return _gives_up.get() - trio.current_time()


def _context(timeout: float) -> contextvars.Context:
    """Copy the asker's context for the handler."""
    context = contextvars.copy_context()
    context.run(_gives_up.set, trio.current_time() + timeout)
    return context


@attrs.frozen
class RegistryStatistics:
    """How many actors are alive under a name."""

    names: int


@attrs.define(eq=False)
class Registry:
    """Name to live mailbox. A name is freed before the supervisor learns of the death."""

    _live: dict[str, tuple[Mailbox, frozenset[type]]] = attrs.field(factory=dict, init=False)

    def register(self, name: str, mailbox: Mailbox, messages: frozenset[type]) -> None:
        """Let `name` be asked.

        Raises:
            NameTaken: A live actor has the name.
        """
        if name in self._live:
            raise NameTaken(f"a live actor is registered as {name!r} already")
        self._live[name] = (mailbox, messages)

    def unregister(self, name: str, mailbox: Mailbox) -> None:
        """Free the name if this mailbox holds it."""
        if name in self._live and self._live[name][0] is mailbox:
            del self._live[name]

    def put(self, name: str, envelope: Envelope) -> Mailbox:
        """Queue an envelope for whoever lives under `name` now; return where it lies.

        Raises:
            NotRunning, MailboxFull, UnknownMessage: Nothing was queued.
        """
        if name not in self._live:
            raise NotRunning(name)
        mailbox, messages = self._live[name]
        if type(envelope.message) not in messages:
            raise UnknownMessage(f"{name} does not handle {type(envelope.message).__name__}")
        mailbox.put_nowait(envelope)
        return mailbox

    def ref(self, name: str) -> "Ref":
        """Return a reference to whoever lives under `name` when asked."""
        return Ref(name, self)

    def statistics(self) -> RegistryStatistics:
        """Return the counts as they are now."""
        return RegistryStatistics(names=len(self._live))


@attrs.frozen(eq=False)
class Ref:
    """A name to ask; outlives the restarts of the actor behind it."""

    name: str
    _registry: Registry

    async def ask(self, request: Request[R], *, timeout: float = _ASK_TIMEOUT) -> R:  # noqa: ASYNC109 - the deadline is part of the message protocol
        """Send a request and wait at most `timeout` seconds for its reply.

        An asker that goes away takes a queued request with it; a running handler goes on.

        Raises:
            ActorDied: It ended before it answered; `NotRunning` if nobody was there.
            AskTimeout: No answer in time.
            MailboxFull: It has too much to do.
        """
        answered = trio.Event()
        envelope = Envelope(request, _context(timeout), answered)
        mailbox = self._registry.put(self.name, envelope)
        try:
            with trio.move_on_after(timeout):
                await answered.wait()
        finally:
            mailbox.discard(envelope)
        return cast("R", self._opened(envelope, timeout))

    def _opened(self, envelope: Envelope, timeout: float) -> Any:
        if envelope.error is not None:
            raise envelope.error
        if envelope.answered is None or not envelope.answered.is_set():
            raise AskTimeout(f"{self.name} did not answer within {timeout:g} s")
        return envelope.reply

    def tell(self, request: object) -> None:
        """Send a request and go on; what it answers is dropped.

        Raises:
            NotRunning, MailboxFull: It was not queued.
        """
        self._registry.put(self.name, Envelope(request, _context(_ASK_TIMEOUT), None))

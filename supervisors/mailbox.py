"""A bounded queue of requests. Every request that enters is answered, if only with ActorDied."""

import contextvars
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import attrs
import trio

from supervisors.errors import ActorDied, MailboxFull, NotRunning

__all__ = ["Envelope", "Mailbox", "MailboxStatistics", "Request"]

R_co = TypeVar("R_co", covariant=True)


class Request(Protocol[R_co]):
    """A message that carries the type of its reply; satisfied by shape."""

    def __reply__(self) -> R_co:
        """Name the reply type to the type checker; never called."""
        ...


@attrs.frozen
class MailboxStatistics:
    """What a mailbox counts.

    Attributes:
        queued: Requests waiting now.
        capacity: The bound of `queued`.
        accepted: Requests ever let in.
        refused: Requests ever turned away because the mailbox was full.
        abandoned: Queued requests whose asker went away before a handler took them.
    """

    queued: int
    capacity: int
    accepted: int
    refused: int
    abandoned: int


@attrs.define(eq=False)
class Envelope:
    """A request on its way, with the slot its answer goes to.

    Attributes:
        message: The request itself.
        context: The asker's context variables; the handler runs in them.
        answered: Set once there is a reply or an error; None for a tell.
    """

    message: object
    context: contextvars.Context
    answered: trio.Event | None
    reply: Any = None
    error: BaseException | None = None

    def answer(self, reply: object) -> None:
        """Give the asker its reply, unless it was answered before."""
        if self.answered is not None and not self.answered.is_set():
            self.reply = reply
            self.answered.set()

    def fail(self, error: BaseException) -> None:
        """Give the asker an error, unless it was answered before."""
        if self.answered is not None and not self.answered.is_set():
            self.error = error
            self.answered.set()


def _always(_envelope: Envelope) -> bool:
    return True


@attrs.define(eq=False)
class Mailbox:
    """The queue between askers and one incarnation of an actor.

    Closing is the polite stop: nothing more comes in, what is queued is still handled. Failing is
    the end: everything queued is answered with `ActorDied`.
    """

    name: str
    capacity: int
    _queue: deque[Envelope] = attrs.field(factory=deque, init=False)
    _arrived: trio.Event = attrs.field(factory=trio.Event, init=False)
    closed: bool = attrs.field(default=False, init=False)
    _accepted: int = attrs.field(default=0, init=False)
    _refused: int = attrs.field(default=0, init=False)
    _abandoned: int = attrs.field(default=0, init=False)

    def put_nowait(self, envelope: Envelope) -> None:
        """Queue a request.

        Raises:
            NotRunning: The mailbox is closed.
            MailboxFull: `capacity` requests wait already.
        """
        if self.closed:
            raise NotRunning(self.name)
        if len(self._queue) >= self.capacity:
            self._refused += 1
            raise MailboxFull(self.name)
        self._accepted += 1
        self._queue.append(envelope)
        self._arrived.set()

    async def get(self, may_run: Callable[[Envelope], bool] = _always) -> Envelope | None:
        """Wait for the first request that may run now; None once closed and empty.

        What may not run stays where it is, counted and bounded; `wake` looks again.
        """
        while True:
            await trio.lowlevel.checkpoint()
            for index, envelope in enumerate(self._queue):
                if may_run(envelope):
                    del self._queue[index]
                    return envelope
            if self.closed and not self._queue:
                return None
            self._arrived = trio.Event()
            await self._arrived.wait()

    def wake(self) -> None:
        """Look again at what may run."""
        self._arrived.set()

    def discard(self, envelope: Envelope) -> None:
        """Drop a request whose asker went away, if no handler has taken it."""
        if envelope in self._queue:
            self._queue.remove(envelope)
            self._abandoned += 1
            self.wake()

    def close(self) -> None:
        """Let nothing more in; what is queued stays."""
        self.closed = True
        self._arrived.set()

    def fail(self, cause: str) -> None:
        """Close, and answer everything queued with `ActorDied`."""
        self.close()
        while self._queue:
            self._queue.popleft().fail(ActorDied(self.name, cause))

    def statistics(self) -> MailboxStatistics:
        """Return the counts as they are now."""
        return MailboxStatistics(
            queued=len(self._queue),
            capacity=self.capacity,
            accepted=self._accepted,
            refused=self._refused,
            abandoned=self._abandoned,
        )

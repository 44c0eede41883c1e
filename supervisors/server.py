"""The actor loop.

    user module                     generic (this file)
    -----------                     -------------------
    actor(id, factory, …)  ------>  ChildSpec
    factory()              <------  one life begins
    on_start()             <------  then the name is registered, the next sibling starts
    @handles(Request)      <------  Ref.ask(request) by way of the mailbox
        return reply       ------>  the asker's slot
        raise              ------>  the asker gets ActorDied, the supervisor the exception
        raise Relayed      ------>  the asker gets the error in it
    on_stop()              <------  the mailbox was closed and is empty

`concurrency` handlers run at a time; `serial_by` keeps requests of one key in their order.
"""

import functools
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar

import attrs
import trio

from supervisors.child import Child
from supervisors.errors import ActorDied, DuplicateHandler, Relayed
from supervisors.mailbox import Envelope, Mailbox, MailboxStatistics
from supervisors.registry import Registry
from supervisors.spec import ChildSpec, Restart

__all__ = ["Actor", "ActorStatistics", "actor", "handles"]

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
_HANDLES = "__handles__"
_STOP_SECONDS = 5.0


def handles(*messages: type) -> Callable[[F], F]:
    """Mark an async method as the handler of these message types."""

    def mark(method: F) -> F:
        setattr(method, _HANDLES, messages)
        return method

    return mark


class Actor:
    """Subclass it, mark one async method per message type with `@handles`.

    An actor with many messages is composed of parts: an attribute that is annotated with a class
    whose methods are marked adds them to the actor's handlers.
    """

    handlers: Mapping[type, str] = MappingProxyType({})
    """By message: the method's name, behind that of the part which has it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the handlers.

        Raises:
            DuplicateHandler: Two methods handle one type.
        """
        super().__init_subclass__(**kwargs)
        found: dict[type, str] = {}
        for message, path in _handlers_of(cls):
            if message in found:
                both = f"{found[message]} and {path}"
                raise DuplicateHandler(f"{cls.__name__}: {both} handle {message.__name__}")
            found[message] = path
        cls.handlers = MappingProxyType(found)

    async def on_start(self) -> None:
        """Prepare; the actor answers only once this returns."""

    async def on_stop(self) -> None:
        """Clean up after the last request of a polite stop."""

    async def handle(self, message: Any) -> Any:
        """Give one message to its handler; override to wrap every handler."""
        return await attrgetter(self.handlers[type(message)])(self)(message)


def _handlers_of(cls: type) -> Iterator[tuple[type, str]]:
    """List the messages that an actor's own methods handle, and those that its parts do."""
    yield from _marked(cls)
    for kind in cls.__mro__:
        for name, part in vars(kind).get("__annotations__", {}).items():
            if isinstance(part, type):
                yield from ((message, f"{name}.{method}") for message, method in _marked(part))


def _marked(cls: type) -> Iterator[tuple[type, str]]:
    for name in dict.fromkeys(name for kind in reversed(cls.__mro__) for name in vars(kind)):
        for message in getattr(getattr(cls, name, None), _HANDLES, ()):
            yield message, name


@attrs.frozen
class ActorStatistics:
    """What an actor counts: its mailbox, handlers running now, requests ever handled."""

    mailbox: MailboxStatistics
    running: int
    handled: int


@attrs.define(eq=False)
class _Life:
    """One incarnation of an actor."""

    name: str
    subject: Actor
    mailbox: Mailbox
    concurrency: int
    serial_by: Callable[[Any], Hashable] | None
    running: dict[int, Envelope] = attrs.field(factory=dict, init=False)
    busy: set[Hashable] = attrs.field(factory=set, init=False)
    handled: int = attrs.field(default=0, init=False)

    async def serve(self) -> None:
        """Handle requests until the mailbox is closed and empty."""
        limit = trio.CapacityLimiter(self.concurrency)
        async with trio.open_nursery() as nursery:
            while True:
                # The slot is taken before the request, and a request of a busy key is not taken
                # at all: what waits stays in the mailbox, where it is counted, bounded, and
                # dropped when its asker goes away.
                ticket = object()
                await limit.acquire_on_behalf_of(ticket)
                envelope = await self.mailbox.get(self._may_run)
                if envelope is None:
                    return  # noqa: ASYNC121 - waiting for the running handlers is the point
                self.running[id(envelope)] = envelope
                self.busy.add(self._key(envelope))
                run = functools.partial(self._handle, envelope, limit, ticket)
                envelope.context.run(nursery.start_soon, run)

    def _key(self, envelope: Envelope) -> Hashable:
        return self.serial_by(envelope.message) if self.serial_by else id(envelope)

    def _may_run(self, envelope: Envelope) -> bool:
        return self._key(envelope) not in self.busy

    async def _handle(
        self, envelope: Envelope, limit: trio.CapacityLimiter, ticket: object
    ) -> None:
        try:
            envelope.answer(await self.subject.handle(envelope.message))
        except Relayed as relayed:
            envelope.fail(relayed.error)
        # Only on success: after a crash `fail` still has to find it.
        del self.running[id(envelope)]
        self.handled += 1
        self.busy.discard(self._key(envelope))
        limit.release_on_behalf_of(ticket)
        self.mailbox.wake()

    def fail(self, cause: str) -> None:
        """Answer everybody who still waits with `ActorDied`."""
        self.mailbox.fail(cause)
        for envelope in self.running.values():
            envelope.fail(ActorDied(self.name, cause))

    def statistics(self) -> ActorStatistics:
        """Return the counts as they are now."""
        return ActorStatistics(self.mailbox.statistics(), len(self.running), self.handled)


def actor(  # noqa: PLR0913 - each is a property of the child
    id: str,  # noqa: A002 - OTP's word, as in ChildSpec
    factory: Callable[[], Actor],
    *,
    registry: Registry,
    name: str | None = None,
    capacity: int = 64,
    concurrency: int = 8,
    serial_by: Callable[[Any], Hashable] | None = None,
    restart: Restart = Restart.PERMANENT,
    shutdown: float = 5.0,
) -> ChildSpec:
    """Describe an actor as a child; `factory` is called once per life.

    Args:
        id: Id of the child, and its registered name unless `name` is given.
        factory: Builds the actor; a failure is a failure to start.
        registry: Where it can be asked.
        name: Registered name.
        capacity: Requests that may wait; more are refused with `MailboxFull`.
        concurrency: Handlers at a time; 1 is strictly serial.
        serial_by: Requests of one key are handled one after the other, in order.
        restart: When to start it again.
        shutdown: Seconds to handle what is queued when stopped politely.
    """
    known = name or id

    async def start(child: Child) -> None:
        subject = factory()
        life = _Life(known, subject, Mailbox(known, capacity), concurrency, serial_by)
        child.statistics = life.statistics
        cause = "killed"
        try:
            await subject.on_start()
            registry.register(known, life.mailbox, frozenset(subject.handlers))
            child.started(registry.ref(known))
            await _serve_until_stopped(child, life)
            await subject.on_stop()
            cause = "stopped"
        except Exception as error:
            cause = _name_of(error)
            raise
        finally:
            registry.unregister(known, life.mailbox)
            life.fail(cause)

    return ChildSpec(id, start, restart=restart, shutdown=shutdown)


async def _serve_until_stopped(child: Child, life: _Life) -> None:
    async with trio.open_nursery() as nursery:

        async def close_when_asked() -> None:
            await child.stopping.wait()
            life.mailbox.close()

        nursery.start_soon(close_when_asked)
        await life.serve()
        nursery.cancel_scope.cancel()


def _name_of(error: BaseException) -> str:
    """Name the innermost single cause: groups of one are only how Trio carries it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return type(error).__name__

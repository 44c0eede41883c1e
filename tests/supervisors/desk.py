"""An actor behind a gate, and the scene that it is asked in."""

import contextvars
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import trio
import trio.testing

from supervisors import (
    Actor,
    ActorDied,
    AskTimeout,
    MailboxFull,
    Ref,
    Registry,
    actor,
    handles,
)

USER: contextvars.ContextVar[str] = contextvars.ContextVar("USER")
settle: Callable[[], Any] = trio.testing.wait_all_tasks_blocked


@attrs.frozen
class Double:
    """Ask for twice a number."""

    number: int

    def __reply__(self) -> int:
        raise NotImplementedError


@attrs.frozen
class Wait:
    """Ask to be held until the gate opens."""

    key: str = ""
    number: int = 0

    def __reply__(self) -> str:
        raise NotImplementedError


@attrs.frozen
class Crash:
    """Ask for a crash."""

    def __reply__(self) -> None:
        raise NotImplementedError


@attrs.frozen
class WhoAmI:
    """Ask for the asker's context."""

    def __reply__(self) -> str:
        raise NotImplementedError


@attrs.define(eq=False)
class Desk(Actor):
    """An actor with a gate."""

    gate: trio.Event
    log: list[str]

    @handles(Double)
    async def double(self, request: Double) -> int:
        """Answer at once."""
        await trio.lowlevel.checkpoint()
        return 2 * request.number

    @handles(Wait)
    async def wait(self, request: Wait) -> str:
        """Answer when the gate is open."""
        self.log.append(f"+{request.key}{request.number}")
        await self.gate.wait()
        await trio.lowlevel.checkpoint()
        self.log.append(f"-{request.key}{request.number}")
        return "open"

    @handles(Crash)
    async def crash(self, request: Crash) -> None:
        """Crash."""
        raise ZeroDivisionError("on request")

    @handles(WhoAmI)
    async def who_am_i(self, request: WhoAmI) -> str:
        """Answer from the context."""
        await trio.lowlevel.checkpoint()
        return USER.get("nobody")

    async def on_stop(self) -> None:
        """Leave a trace."""
        self.log.append("on_stop")


@attrs.define
class Scene:
    """A desk in a registry, its gate, its log, and what its askers heard."""

    registry: Registry = attrs.field(factory=Registry)
    gate: trio.Event = attrs.field(factory=trio.Event)
    log: list[str] = attrs.field(factory=list)
    heard: list[object] = attrs.field(factory=list)

    @property
    def desk(self) -> Ref:
        """The reference to ask."""
        return self.registry.ref("desk")

    def spec(self, **options: Any) -> Any:
        """Describe the desk as a child."""
        return actor("desk", partial(Desk, self.gate, self.log), registry=self.registry, **options)

    async def ask(self, request: Any, **options: Any) -> None:
        """Ask, and note the answer or the type of the refusal."""
        try:
            self.heard.append(await self.desk.ask(request, **options))
        except (ActorDied, AskTimeout, MailboxFull) as refusal:
            self.heard.append((type(refusal).__name__, getattr(refusal, "cause", None)))

"""One life of a child, and the slot of a supervisor that its lives follow each other in."""

from collections.abc import Callable
from typing import Any

import attrs
import trio

from supervisors.child import Child
from supervisors.errors import Shutdown
from supervisors.report import (
    ChildCrashed,
    ChildKilled,
    ChildStarted,
    ChildStopped,
    ChildStuck,
    StartRefused,
)
from supervisors.spec import BRUTAL_KILL, ChildSpec
from supervisors.status import ChildStatus

__all__ = ["Life", "Slot"]

_STUCK_SECONDS = 10.0


@attrs.define(eq=False)
class Life:
    """A running child: its task's cancel scope, its handshake, and how it ended.

    Attributes:
        reason: The exception it ended with; None if it returned or was killed.
        unhandled: Whether its supervisor still has to act on its death.
    """

    slot: "Slot"
    on_end: Callable[["Life"], None]
    child: Child = attrs.field(init=False)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    settled: trio.Event = attrs.field(factory=trio.Event, init=False)
    ended: trio.Event = attrs.field(factory=trio.Event, init=False)
    value: object = attrs.field(default=None, init=False)
    reason: Exception | None = attrs.field(default=None, init=False)
    unhandled: bool = attrs.field(default=True, init=False)
    returned: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Give the child its side of the handshake."""
        self.child = Child(self.slot.path, self.slot.parent.tree, self._on_started)

    @property
    def running(self) -> bool:
        """Whether it has started and not ended."""
        return self.child.has_started and not self.ended.is_set()

    @property
    def normal(self) -> bool:
        """Whether it ended as OTP's `normal` or `shutdown`."""
        return self.reason is None or isinstance(self.reason, Shutdown)

    def why(self) -> str:
        """Say in a phrase why it is not running."""
        return "it returned at once" if self.reason is None else describe(self.reason)

    async def live(self) -> None:
        """Be the child's task: nothing it raises leaves here but a cancellation from above."""
        try:
            with self.scope:
                await self.slot.spec.start(self.child)
                self.returned = True
        except BaseExceptionGroup as group:
            # A cancel from above may come mixed with what the child raised on its way out.
            crashes, rest = group.split(Exception)
            self.reason = None if crashes is None else single(crashes)
            if rest is not None:
                raise rest from None
        except Exception as error:  # noqa: BLE001 - a crash is what a supervisor is for
            self.reason = single(error)
        finally:
            self.ended.set()
            self.settled.set()
            self.slot.report_end(self)
            self.on_end(self)

    async def settle(self, stopping: trio.Event) -> None:
        """Wait until it has started, has ended, or its supervisor is to stop."""
        timeout = self.slot.spec.start_timeout
        async with trio.open_nursery() as nursery:

            async def leave_when_stopping() -> None:
                await stopping.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(leave_when_stopping)
            with trio.move_on_after(timeout) as patience:
                await self.settled.wait()
            nursery.cancel_scope.cancel()
        if patience.cancelled_caught:
            self.reason = TimeoutError(f"did not start within {timeout:g} s")
            await self.kill()

    async def stop(self, shutdown: Any) -> None:
        """Ask politely, wait, then kill."""
        if shutdown is not BRUTAL_KILL:
            self.child.stopping.set()
            with trio.move_on_after(shutdown):
                await self.ended.wait()
        if not self.ended.is_set():
            await self.kill()

    async def kill(self) -> None:
        """Cancel it and wait until it has ended, reporting one that ignores it."""
        self.scope.cancel()
        with trio.move_on_after(_STUCK_SECONDS):
            await self.ended.wait()
        if not self.ended.is_set():
            self.slot.report(ChildStuck(self.slot.path, _STUCK_SECONDS))
            await self.ended.wait()

    def _on_started(self, value: object) -> None:
        self.value = value
        self.slot.note_started(trio.current_time())
        self.settled.set()
        self.slot.report(ChildStarted(self.slot.path, self.slot.restarts))


@attrs.define(eq=False)
class Slot:
    """A child's place in its supervisor: the spec, the present life, and the history."""

    spec: ChildSpec
    parent: Child
    dynamic: bool = False
    life: Life | None = attrs.field(default=None, init=False)
    state: str = attrs.field(default="waiting", init=False)
    restarts: int = attrs.field(default=0, init=False)
    streak: int = attrs.field(default=0, init=False)
    ticket: int = attrs.field(default=0, init=False)
    last_error: str | None = attrs.field(default=None, init=False)
    started_at: float | None = attrs.field(default=None, init=False)
    stopping: bool = attrs.field(default=False, init=False)
    _well_since: float | None = attrs.field(default=None, init=False)

    @property
    def path(self) -> str:
        """The child's path in the tree."""
        return f"{self.parent.path}/{self.spec.id}"

    @property
    def running(self) -> bool:
        """Whether the present life runs."""
        return self.life is not None and self.life.running

    def new_life(self, on_end: Callable[[Life], None]) -> Life:
        """Begin another life."""
        self.state, self.stopping = "starting", False
        self.life = Life(self, on_end)
        return self.life

    def note_started(self, now: float) -> None:
        """Take down that the present life can answer."""
        self.started_at = self._well_since = now
        if not self.stopping:
            self.state = "running"

    def count_restart(self, now: float, period: float) -> None:
        """Count one more; a child that ran for a period begins a new streak."""
        well = self._well_since is not None and now - self._well_since > period
        self.streak = 1 if well else self.streak + 1
        self.restarts += 1
        self._well_since = None

    async def stop(self) -> None:
        """Stop the present life, if there is one, and leave its death to nobody else."""
        if self.life is not None and not self.life.ended.is_set():
            self.state, self.stopping = "stopping", True
            await self.life.stop(self.spec.shutdown)
        if self.life is not None:
            self.life.unhandled = False
        self.ticket += 1
        self.state, self.started_at = "stopped", None

    def report(self, report: Any) -> None:
        """Tell the tree's observer."""
        self.parent.tree.observer(report)

    def report_end(self, life: Life) -> None:
        """Record how a life ended, and report it."""
        self.started_at = None
        if not self.stopping:
            self.state = "stopped"
        if life.reason is not None:
            self.last_error = describe(life.reason)
        supervisor, child = self.parent.path, self.spec.id
        if not life.child.has_started and not self.stopping:
            self.report(StartRefused(self.path, supervisor, child, life.reason, self.restarts))
        elif life.reason is not None:
            self.report(
                ChildCrashed(
                    self.path, supervisor, child, life.reason, self.restarts, self.stopping
                )
            )
        elif life.returned:
            self.report(ChildStopped(self.path, self.stopping))
        else:
            self.report(ChildKilled(self.path))

    def status(self) -> ChildStatus:
        """Return the child as it is now."""
        # A starting child is shown as well: a boot that hangs is when one looks.
        child = self.life.child if self.life and not self.life.ended.is_set() else None
        return ChildStatus(
            id=self.spec.id,
            path=self.path,
            kind=self.spec.kind,
            state=self.state,
            restarts=self.restarts,
            last_error=self.last_error,
            started_at=self.started_at,
            statistics=child.statistics() if child and child.statistics else None,
            children=child.children() if child and child.children else (),
        )


def single(error: Exception) -> Exception:
    """Unwrap groups of one: they are only how Trio carries an exception out of a nursery."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def describe(error: BaseException) -> str:
    """Render an exception as `Type: message`."""
    return f"{type(error).__name__}: {error}"

"""A supervisor: starts children in order, stops them in reverse, restarts by strategy, gives up.

One task decides, one message at a time: a child ended, a restart is due, somebody calls. So no
two decisions interleave, and a stop can get in between any two of them (OTP's
`try_again_restart`). Children run in one nursery; a child's failure never leaves its own task.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import trio

from supervisors.child import Child
from supervisors.errors import (
    ChildAlreadyPresent,
    ChildNotFound,
    ChildRunning,
    GaveUp,
    NotRunning,
    StartFailed,
)
from supervisors.intensity import add_restart
from supervisors.life import Life, Slot
from supervisors.report import RestartScheduled, SupervisorGaveUp
from supervisors.spec import INFINITY, ChildSpec, Flags, Restart, Strategy, check_specs
from supervisors.status import ChildCounts, ChildStatus, SupervisorStatistics

__all__ = ["Supervisor", "supervisor"]


@attrs.define(eq=False)
class _Call:
    """A request to the deciding task, and the slot of its answer."""

    work: Callable[[], Any]
    done: trio.Event = attrs.field(factory=trio.Event)
    reply: Any = None
    error: Exception | None = None


@attrs.define(eq=False)
class Supervisor:
    """One incarnation of a supervisor; `start_child` and its kin work while it runs."""

    me: Child
    flags: Flags
    _slots: dict[str, Slot] = attrs.field(factory=dict, init=False)
    _inbox: deque[Life | _Call | tuple[Slot, int]] = attrs.field(factory=deque, init=False)
    _wake: trio.Event = attrs.field(factory=trio.Event, init=False)
    _stamps: tuple[float, ...] = attrs.field(default=(), init=False)
    _restarts: int = attrs.field(default=0, init=False)
    _nursery: trio.Nursery | None = attrs.field(default=None, init=False)
    _over: bool = attrs.field(default=False, init=False)

    async def run(self, specs: Sequence[ChildSpec]) -> None:
        """Live: start, decide, stop.

        Raises:
            StartFailed: A child did not start; those before it have been stopped.
            GaveUp: More restarts than the flags allow; all children have been stopped.
        """
        for spec in check_specs(specs):
            self._slots[spec.id] = Slot(spec, self.me)
        self.me.children, self.me.statistics = self._statuses, self.statistics
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._wake_when_stopping)
            try:
                await self._start_all()
                await self._decide()
            finally:
                self._over = True
                self._refuse_calls()
                # Every path but a kill has stopped the children by now.
                self._nursery.cancel_scope.cancel()

    # Decisions

    async def _start_all(self) -> None:
        for slot in list(self._slots.values()):
            if self.me.stopping.is_set():
                return
            life = await self._start(slot)
            if not life.child.has_started and not self.me.stopping.is_set():
                await self._stop_all()
                raise StartFailed(slot.path, life.why()) from life.reason
        if not self.me.stopping.is_set():
            self.me.started(self)

    async def _decide(self) -> None:
        while not self.me.stopping.is_set():
            if not self._inbox:
                self._wake = trio.Event()
                await self._wake.wait()
                continue
            await self._one(self._inbox.popleft())
        await self._stop_all()

    async def _one(self, message: "Life | _Call | tuple[Slot, int]") -> None:
        if isinstance(message, _Call):
            await self._answer(message)
        elif isinstance(message, Life):
            if message.slot.life is message and message.unhandled:
                message.unhandled = False
                await self._after_death(message)
        else:
            await self._restart_due(*message)

    async def _after_death(self, life: Life) -> None:
        slot = life.slot
        if slot.spec.restart is Restart.TEMPORARY:
            self._slots.pop(slot.spec.id, None)
        elif slot.spec.restart is Restart.TRANSIENT and life.normal:
            slot.state = "stopped"
        else:
            await self._restart(slot, life.reason)

    async def _restart(self, slot: Slot, reason: BaseException | None) -> None:
        """Count a restart, take the siblings down that the strategy names, schedule the start."""
        flags, now = self.flags, trio.current_time()
        self._stamps, allowed = add_restart(
            self._stamps, now, intensity=flags.intensity, period=flags.period
        )
        if not allowed:
            self.me.tree.observer(SupervisorGaveUp(self.me.path, slot.spec.id, reason))
            await self._stop_all()
            raise GaveUp(self.me.path, f"{slot.spec.id} needed too many restarts") from reason
        self._restarts += 1
        slot.count_restart(now, flags.period)
        await self._take_down(self._affected(slot), but=slot)
        self._schedule(slot)

    def _affected(self, slot: Slot) -> list[Slot]:
        slots = list(self._slots.values())
        if self.flags.strategy is Strategy.ONE_FOR_ALL:
            return slots
        if self.flags.strategy is Strategy.REST_FOR_ONE:
            return slots[slots.index(slot) :]
        return [slot]

    async def _take_down(self, slots: list[Slot], *, but: Slot) -> None:
        others = [slot for slot in slots if slot is not but]
        await _stop_slots(others)
        for slot in others:
            if slot.spec.restart is Restart.TEMPORARY:
                self._slots.pop(slot.spec.id, None)
            else:
                slot.state = "waiting"

    def _schedule(self, slot: Slot) -> None:
        slot.state = "waiting"
        slot.ticket += 1
        delay = self.flags.backoff.delay(slot.streak)
        self.me.tree.observer(RestartScheduled(slot.path, delay, slot.restarts))
        if delay <= 0:
            self._post((slot, slot.ticket))
        elif self._nursery:
            self._nursery.start_soon(self._post_later, delay, (slot, slot.ticket))

    async def _restart_due(self, slot: Slot, ticket: int) -> None:
        if self._slots.get(slot.spec.id) is not slot or slot.ticket != ticket:
            return
        slot.ticket += 1
        for each in self._affected(slot):
            if each.running or each.state == "stopped":
                continue
            life = await self._start(each)
            if self.me.stopping.is_set():
                return
            if not life.child.has_started:
                life.unhandled = False
                await self._restart(each, life.reason)
                return

    async def _start(self, slot: Slot) -> Life:
        if self._nursery is None:
            raise NotRunning(self.me.path)
        life = slot.new_life(self._post)
        self._nursery.start_soon(life.live)
        await life.settle(self.me.stopping)
        return life

    async def _stop_all(self) -> None:
        await _stop_slots(list(self._slots.values()))

    # The inbox

    def _post(self, message: "Life | _Call | tuple[Slot, int]") -> None:
        self._inbox.append(message)
        self._wake.set()

    async def _post_later(self, delay: float, message: tuple[Slot, int]) -> None:
        await trio.sleep(delay)
        self._post(message)

    async def _wake_when_stopping(self) -> None:
        await self.me.stopping.wait()
        self._wake.set()

    async def _answer(self, call: _Call) -> None:
        try:
            call.reply = await call.work()
        except (LookupError, ValueError, StartFailed, ChildRunning) as error:
            call.error = error
        except BaseException:
            # Cancelled from above: the caller may live elsewhere in the tree and still be waiting.
            call.error = NotRunning(self.me.path)
            raise
        finally:
            call.done.set()

    def _refuse_calls(self) -> None:
        for message in self._inbox:
            if isinstance(message, _Call) and not message.done.is_set():
                message.error = NotRunning(self.me.path)
                message.done.set()

    async def _call(self, work: Callable[[], Any]) -> Any:
        if self._over or self.me.stopping.is_set():
            raise NotRunning(self.me.path)
        call = _Call(work)
        self._post(call)
        await call.done.wait()
        if call.error:
            raise call.error
        return call.reply

    # OTP's interface

    async def start_child(self, spec: ChildSpec) -> object:
        """Add a dynamic child and start it; return what it gave to `started()`.

        Dynamic children are stopped before the static ones, all at the same time. Make those that
        end by themselves temporary, or their specs stay.

        Raises:
            ChildAlreadyPresent, StartFailed, NotRunning: Nothing was added. `StartFailed` also
                when there are `Flags.max_children` already.
        """

        async def work() -> object:
            if spec.id in self._slots:
                raise ChildAlreadyPresent(f"{self.me.path} has a child {spec.id!r}")
            slot = Slot(spec, self.me, dynamic=True)
            if len(self._slots) >= self.flags.max_children:
                raise StartFailed(slot.path, f"there are {len(self._slots)} children already")
            self._slots[spec.id] = slot
            life = await self._start(slot)
            if not life.child.has_started:
                await slot.stop()
                del self._slots[spec.id]
                raise StartFailed(slot.path, life.why()) from life.reason
            return life.value

        return await self._call(work)

    async def terminate_child(self, id: str) -> None:  # noqa: A002 - OTP's word
        """Stop a child; its spec stays unless it is temporary."""

        async def work() -> None:
            slot = self._find(id)
            await slot.stop()
            slot.ticket += 1
            if slot.spec.restart is Restart.TEMPORARY:
                del self._slots[id]

        await self._call(work)

    async def restart_child(self, id: str) -> object:  # noqa: A002 - OTP's word
        """Start a stopped child again."""

        async def work() -> object:
            slot = self._find(id)
            if slot.running or slot.state == "waiting":
                raise ChildRunning(f"{slot.path} is {slot.state}")
            life = await self._start(slot)
            if not life.child.has_started:
                await slot.stop()
                raise StartFailed(slot.path, life.why()) from life.reason
            return life.value

        return await self._call(work)

    async def delete_child(self, id: str) -> None:  # noqa: A002 - OTP's word
        """Forget a stopped child's spec."""

        async def work() -> None:
            slot = self._find(id)
            if slot.running or slot.state == "waiting":
                raise ChildRunning(f"{slot.path} is {slot.state}; terminate it first")
            del self._slots[id]

        await self._call(work)

    def get_childspec(self, id: str) -> ChildSpec:  # noqa: A002 - OTP's word
        """Return a child's spec."""
        return self._find(id).spec

    def which_children(self) -> tuple[ChildStatus, ...]:
        """Return every child as it is now, in start order."""
        return self._statuses()

    def count_children(self) -> ChildCounts:
        """Count specs, running children, supervisors and workers."""
        slots = list(self._slots.values())
        supervisors = sum(slot.spec.kind == "supervisor" for slot in slots)
        return ChildCounts(
            specs=len(slots),
            active=sum(slot.running for slot in slots),
            supervisors=supervisors,
            workers=len(slots) - supervisors,
        )

    def statistics(self) -> SupervisorStatistics:
        """Return the counts as they are now."""
        recent = [s for s in self._stamps if trio.current_time() <= s + self.flags.period]
        running = sum(slot.running for slot in self._slots.values())
        return SupervisorStatistics(len(self._slots), running, self._restarts, len(recent))

    def _statuses(self) -> tuple[ChildStatus, ...]:
        return tuple(slot.status() for slot in self._slots.values())

    def _find(self, id: str) -> Slot:  # noqa: A002 - OTP's word
        if id not in self._slots:
            raise ChildNotFound(f"{self.me.path} has no child {id!r}")
        return self._slots[id]


async def _stop_slots(slots: Sequence[Slot]) -> None:
    """Stop dynamic children together, then static ones in reverse start order."""
    async with trio.open_nursery() as nursery:
        for slot in slots:
            if slot.dynamic:
                nursery.start_soon(slot.stop)
    for slot in reversed(slots):
        if not slot.dynamic:
            await slot.stop()


def supervisor(
    id: str,  # noqa: A002 - OTP's word, as in ChildSpec
    flags: Flags,
    children: Sequence[ChildSpec] = (),
    *,
    restart: Restart = Restart.PERMANENT,
) -> ChildSpec:
    """Describe a supervisor as a child; it gives its `Supervisor` to `started()`."""
    specs = check_specs(children)

    async def start(child: Child) -> None:
        await Supervisor(child, flags).run(specs)

    return ChildSpec(id, start, restart=restart, shutdown=INFINITY, kind="supervisor")

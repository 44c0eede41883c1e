"""The root of a tree: runs one spec as the whole program."""

import trio

from supervisors.child import Child, Tree
from supervisors.errors import StartFailed
from supervisors.life import Life, Slot
from supervisors.report import Observer, Report, TreeStarted, TreeStopped
from supervisors.spec import ChildSpec
from supervisors.status import ChildStatus

__all__ = ["TreeHandle", "run_tree"]


class TreeHandle:
    """A running tree, as given to `task_status.started` of `run_tree`."""

    def __init__(self, slot: Slot) -> None:
        """Look at the root's slot."""
        self._slot = slot

    def status(self) -> ChildStatus:
        """Return the whole tree as it is now."""
        return self._slot.status()

    @property
    def value(self) -> object:
        """Return what the root gave to `started()`: a `Supervisor`, if it is one."""
        return self._slot.life.value if self._slot.life else None


def _ignore(_report: Report) -> None:
    """Observe nothing."""


async def run_tree(
    root: ChildSpec,
    *,
    observer: Observer = _ignore,
    stop: trio.Event | None = None,
    task_status: trio.TaskStatus[TreeHandle] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the tree until `stop` is set or the root ends; all children have ended by then.

    Args:
        root: Usually a `supervisor(...)`.
        observer: Gets every report of the tree.
        stop: Asks for a polite stop; without it only a cancel ends the tree.
        task_status: Gets a `TreeHandle` once every child has started.

    Raises:
        StartFailed: A child did not start.
        GaveUp: The root restarted too often.
    """
    stop = trio.Event() if stop is None else stop
    above = Child("", Tree(observer), lambda _value: None)
    slot = _RootSlot(root, above)
    above.tree.root = slot.status
    ended = trio.Event()
    life = slot.new_life(lambda _life: ended.set())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.live)
        await life.settle(stop)
        if life.running:
            observer(TreeStarted(slot.path))
            task_status.started(TreeHandle(slot))
        await _either(stop, ended)
        await slot.stop()
    observer(TreeStopped(slot.path, life.reason))
    _raise_if_abnormal(slot, life, asked=stop.is_set())


class _RootSlot(Slot):
    """The root's path is its id: there is nothing above it."""

    @property
    def path(self) -> str:
        return self.spec.id


async def _either(one: trio.Event, other: trio.Event) -> None:
    async with trio.open_nursery() as nursery:

        async def wait(event: trio.Event) -> None:
            await event.wait()
            nursery.cancel_scope.cancel()

        nursery.start_soon(wait, one)
        nursery.start_soon(wait, other)


def _raise_if_abnormal(slot: Slot, life: Life, *, asked: bool) -> None:
    if life.reason is not None:
        raise life.reason
    if not life.child.has_started and not asked:
        raise StartFailed(slot.path, "it returned at once")

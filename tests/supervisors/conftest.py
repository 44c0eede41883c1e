"""A stage: a supervisor on its own tree, whose children are puppets."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest
import trio

from supervisors import (
    ChildSpec,
    ChildStarted,
    ChildStatus,
    Flags,
    GaveUp,
    Supervisor,
    TreeHandle,
    run_tree,
    supervisor,
)
from supervisors.testing import Puppet, RecordingObserver
from tests.supervisors.desk import Scene


@attrs.define
class Stage:
    """A running tree and what it reported."""

    tree: TreeHandle
    observer: RecordingObserver
    stop: trio.Event

    @property
    def root(self) -> Supervisor:
        """The root supervisor."""
        assert isinstance(self.tree.value, Supervisor)
        return self.tree.value

    def child(self, id: str) -> ChildStatus:  # noqa: A002 - OTP's word
        """Return the status of a child of the root."""
        return next(child for child in self.tree.status().children if child.id == id)

    async def life(self, path: str, number: int) -> None:
        """Wait until a child has started for the `number`-th time."""
        await self.observer.wait_for(ChildStarted, path, number)


Run = Callable[..., AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def running(
    flags: Flags, children: Sequence[ChildSpec | Puppet], *, gives_up: bool = False
) -> AsyncIterator[Stage]:
    """Run `root` with these children; at the end stop it politely, or see it give up."""
    specs = [child.spec() if isinstance(child, Puppet) else child for child in children]
    observer, stop = RecordingObserver(), trio.Event()
    root = supervisor("root", flags, specs)

    async def run_to_the_end(  # noqa: ASYNC128 - passed on
        task_status: trio.TaskStatus[TreeHandle],
    ) -> None:
        tree = run_tree(root, observer=observer, stop=stop, task_status=task_status)
        if gives_up:
            with pytest.raises(GaveUp, match="root gave up"):
                await tree
        else:
            await tree

    async with trio.open_nursery() as nursery:
        yield Stage(await nursery.start(run_to_the_end), observer, stop)
        if not gives_up:
            stop.set()


@pytest.fixture
def run() -> Run:
    """Give the way to run a tree of its own."""
    return running


@pytest.fixture
def journal() -> list[tuple[str, str]]:
    """Give the list that puppets write their starts and stops to."""
    return []


@pytest.fixture
def scene() -> Scene:
    """Give a scene whose desk does not run yet."""
    return Scene()

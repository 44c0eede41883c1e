"""Engines and the room they need on the disk."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from bitvault.drivers.disk.local import LocalDisk, NoRoom, when_there_is_room
from supervisors import (
    ChildStarted,
    ChildStatus,
    Flags,
    RestartScheduled,
    StartFailed,
    StartRefused,
    TreeHandle,
    run_tree,
    supervisor,
)
from supervisors.testing import Puppet, RecordingObserver

NEEDED = 100


@attrs.define
class Disk:
    """Implements ``Disk``."""

    left: int

    def free(self) -> int:
        """Return what the test has left."""
        return self.left


@attrs.define
class Stage:
    """An engine in a tree, with what was reported of it."""

    disk: Disk
    engine: Puppet = attrs.field(factory=lambda: Puppet("engine"))
    observer: RecordingObserver = attrs.field(factory=RecordingObserver)
    stop: trio.Event = attrs.field(factory=trio.Event)

    async def run(  # noqa: ASYNC128 - run_tree says that it has started
        self, task_status: trio.TaskStatus[TreeHandle]
    ) -> None:
        """Run the tree to its end."""
        child = when_there_is_room(self.engine.spec(), self.disk, NEEDED)
        root = supervisor("root", Flags(intensity=5, period=30.0), [child])
        await run_tree(root, observer=self.observer, stop=self.stop, task_status=task_status)


@asynccontextmanager
async def started(disk: Disk) -> AsyncIterator[tuple[Stage, TreeHandle]]:
    """Start the engine on a disk with room."""
    stage = Stage(disk)
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(stage.run)
        yield stage, tree
        stage.stop.set()


def engine(tree: TreeHandle) -> ChildStatus:
    """Return how the status page shows the engine."""
    return tree.status().children[0]


async def test_an_engine_that_died_of_a_full_disk_waits_for_room(
    autojump_clock: MockClock,
) -> None:
    """It uses up no restarts, says what it waits for, and starts as soon as there is room."""
    async with started(Disk(NEEDED)) as (stage, tree):
        stage.disk.left = NEEDED - 1
        stage.engine.crash()
        # An hour of it would be thousands of restarts without the wait.
        await stage.observer.wait_for(StartRefused, "root/engine", 60)
        assert engine(tree).last_error == "NoRoom: 99 bytes are free on the disk; 100 are needed"
        await stage.observer.wait_for(RestartScheduled, "root/engine", 61)
        await trio.sleep(35)
        assert (engine(tree).state, engine(tree).statistics) == (
            "starting", {"bytes_free": 99, "bytes_needed": 100},
        )  # fmt: skip
        stage.disk.left = NEEDED
        await stage.observer.wait_for(ChildStarted, "root/engine", 2)
    assert stage.engine.lives == 2


async def test_a_stop_does_not_wait_for_room(autojump_clock: MockClock) -> None:
    """The engine that has not started has nothing to finish."""
    async with started(Disk(NEEDED)) as (stage, _tree):
        stage.disk.left = 0
        stage.engine.crash()
        await stage.observer.wait_for(RestartScheduled, "root/engine")
        await trio.testing.wait_all_tasks_blocked()
        before = trio.current_time()
        stage.stop.set()
    assert trio.current_time() - before < 1


async def test_a_first_start_without_room_fails_by_name(autojump_clock: MockClock) -> None:
    """The reason reaches whoever started the tree."""
    with pytest.RaisesGroup(StartFailed) as raised:
        async with started(Disk(0)):
            pass
    found = raised.value.exceptions[0]
    while found.__cause__ is not None:
        found = found.__cause__  # type: ignore[assignment]
    assert isinstance(found, NoRoom)


def test_the_local_disk_has_what_the_kernel_says(tmp_path: Path) -> None:
    """What others than root may use."""
    found = os.statvfs(tmp_path)
    assert 0 < LocalDisk(tmp_path).free() <= found.f_bfree * found.f_frsize

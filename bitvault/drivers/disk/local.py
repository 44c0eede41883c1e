"""The disk below a folder, asked of the kernel; and engines that wait for room on it."""

import os
from collections.abc import Sequence
from pathlib import Path

import attrs
import trio
from attrs import frozen

from bitvault.drivers.disk.port import Disk
from supervisors import Child, ChildSpec

_LOOK_SECONDS = 0.5
_PATIENCE = 30.0
"""Longer than the periods of the supervisors: waiting must not use up an engine's restarts."""


class NoRoom(Exception):  # noqa: N818 - names the state of the world, as OSError's kin do
    """The disk is too full for an engine to start."""


@frozen
class LocalDisk:
    """Implements ``Disk``. One system call, about a microsecond on a local disk."""

    folder: Path

    def free(self) -> int:
        """Return what is free to accounts other than root."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize


def least_free(disks: Sequence[Disk]) -> int:
    """Return what is free on the fullest of some disks."""
    return min(disk.free() for disk in disks)


def when_there_is_room(engine: ChildSpec, disk: Disk, needed: int) -> ChildSpec:
    """Describe an engine that starts only when ``needed`` bytes are free.

    An engine that dies of a full disk dies again at every start; without the wait that would use up
    its supervisor's restarts, and the daemon would be gone before anybody has made room. Meanwhile
    the status page shows it as starting, with both figures.

    Error handling: after half a minute without room it fails by ``NoRoom``; its supervisor tries
    again for as long as it takes.
    """

    async def live(child: Child) -> None:
        child.statistics = lambda: {"bytes_free": disk.free(), "bytes_needed": needed}
        with trio.move_on_after(_PATIENCE):
            while disk.free() < needed and not child.stopping.is_set():
                with trio.move_on_after(_LOOK_SECONDS):
                    await child.stopping.wait()
        if child.stopping.is_set():
            return
        if disk.free() < needed:
            raise NoRoom(f"{disk.free()} bytes are free on the disk; {needed} are needed")
        child.statistics = None
        await engine.start(child)

    patience = engine.start_timeout + _PATIENCE
    return attrs.evolve(engine, start=live, start_timeout=patience)

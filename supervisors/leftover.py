"""Finding and ending a process that outlived a killed parent, and never a stranger.

A pidfile holds pid, start time and boot id. A stranger that got the same pid has another start
time; one after a reboot has another boot id. Signals go through a pidfd that is checked after it
is opened, so the pid cannot change hands in between. Only Linux has all this; elsewhere nothing
is ever taken for a leftover.
"""

import contextlib
import os
import signal
from pathlib import Path

import trio

__all__ = ["end_leftover", "start_time", "write_pidfile"]

_LEFTOVER_SECONDS = 10.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc_pid_stat(5): the name may hold spaces and parentheses, so count after the last one.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _identity(pid: int) -> str | None:
    started = start_time(pid)
    if started is None or not _BOOT_ID.exists():
        return None
    return f"{pid} {started} {_BOOT_ID.read_text(encoding='ascii').strip()}"


def write_pidfile(pidfile: Path, pid: int) -> None:
    """Note who runs; whole or not at all."""
    fresh = pidfile.with_name(pidfile.name + ".new")
    fresh.unlink(missing_ok=True)
    # Another account may write in the folder: what it puts in the way is never followed.
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{_identity(pid)}\n")
    fresh.replace(pidfile)


async def end_leftover(pidfile: Path, stop_signal: signal.Signals) -> bool:
    """End the process a pidfile names, if it is still that process; return whether it was.

    It gets the stop signal, and SIGKILL for its group after 10 seconds.
    """
    try:
        noted = (await trio.Path(pidfile).read_text(encoding="ascii")).strip()
        pid = int(noted.split()[0])
        handle = os.pidfd_open(pid)
    except (OSError, ValueError, IndexError, AttributeError):
        return False
    try:
        if _identity(pid) != noted:
            return False
        await _end(handle, pid, stop_signal)
    finally:
        os.close(handle)
    return True


async def _end(handle: int, pid: int, stop_signal: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, stop_signal)
    with trio.move_on_after(_LEFTOVER_SECONDS) as patience:
        await trio.lowlevel.wait_readable(handle)
    # While its group has members, no new process gets this pid: if its leader is gone, the group
    # is still ours; if it is not, the leader is the one that was checked.
    if patience.cancelled_caught or start_time(pid) is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    with trio.move_on_after(_LEFTOVER_SECONDS):
        await trio.lowlevel.wait_readable(handle)

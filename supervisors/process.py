"""An OS process as a child: started, probed until ready, stopped by signal, never orphaned.

Two nets catch orphans. On Linux the kernel signals the child when the thread that started it dies
(PR_SET_PDEATHSIG). And a pidfile holds pid and start time, so that the next start after a kill -9
finds a leftover and ends it; a stranger that got the same pid has another start time.
"""

import ctypes
import functools
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import trio

from supervisors.child import Child
from supervisors.errors import ProcessExited
from supervisors.spec import ChildSpec, Restart

__all__ = ["Command", "process"]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_LEFTOVER_SECONDS = 10.0
_KILL_SECONDS = 10.0
_MAX_LINE = 1 << 16


@attrs.frozen
class Command:
    """What to run.

    Attributes:
        arguments: The program and its arguments.
        env: Its whole environment; None inherits.
        cwd: Its folder.
        user: User id to run as; only root may set it. The group is `group`, no others.
        group: Group id.
    """

    arguments: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None


def _no_output(_line: str) -> None:
    """Drop a line."""


async def _at_once(_process: trio.Process) -> None:
    """Be ready as soon as it runs."""


@attrs.frozen
class _Program:
    """A process child's description, bound to nothing yet."""

    id: str
    command: Callable[[], Command]
    ready: Callable[[trio.Process], Awaitable[object]]
    stop_signal: signal.Signals
    shutdown: float
    output: Callable[[str], None]
    pidfile: Path | None

    async def live(self, child: Child) -> None:
        """Run the process for one life."""
        if self.pidfile:
            await end_leftover(self.pidfile, self.stop_signal)
        running = await self._open(self.command())
        try:
            await self._attend(child, running)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _KILL_SECONDS):
                await _end(running, signal.SIGKILL)
            if self.pidfile:
                self.pidfile.unlink(missing_ok=True)

    async def _open(self, command: Command) -> trio.Process:
        privileges: dict[str, Any] = {} if command.user is None else _as_user(command)
        running: trio.Process = await trio.lowlevel.open_process(
            list(command.arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if command.env is None else dict(command.env),
            cwd=command.cwd,
            start_new_session=True,
            preexec_fn=functools.partial(_die_with_parent, self.stop_signal, os.getpid()),
            **privileges,
        )
        if self.pidfile:
            self.pidfile.write_text(f"{running.pid} {start_time(running.pid)}\n")
        return running

    async def _attend(self, child: Child, running: trio.Process) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._drain, running)
            nursery.start_soon(self._probe, child, running)
            nursery.start_soon(self._stop_when_asked, child, running)
            code = await running.wait()
            nursery.cancel_scope.cancel()
        if not child.stopping.is_set():
            raise ProcessExited(self.id, code)

    async def _probe(self, child: Child, running: trio.Process) -> None:
        child.started(await self.ready(running))

    async def _stop_when_asked(self, child: Child, running: trio.Process) -> None:
        await child.stopping.wait()
        _signal_group(running.pid, self.stop_signal, group=False)

    async def _drain(self, running: trio.Process) -> None:
        rest = b""
        async for chunk in _output_of(running):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.output(line.decode(errors="replace"))
            rest = rest[-_MAX_LINE:]


def process(  # noqa: PLR0913 - each is a property of the child
    id: str,  # noqa: A002 - OTP's word, as in ChildSpec
    command: Callable[[], Command],
    *,
    ready: Callable[[trio.Process], Awaitable[object]] = _at_once,
    start_timeout: float = 60.0,
    stop_signal: signal.Signals = signal.SIGTERM,
    shutdown: float = 10.0,
    restart: Restart = Restart.PERMANENT,
    output: Callable[[str], None] = _no_output,
    pidfile: Path | None = None,
) -> ChildSpec:
    """Describe an OS process as a child; an unexpected exit is a crash with its code.

    Args:
        id: Id of the child.
        command: Says what to run; asked at each start.
        ready: Waits until the process can serve; what it returns goes to `started()`.
        start_timeout: Seconds until a process that is not ready is killed.
        stop_signal: The polite stop; also what the kernel sends when this process dies.
        shutdown: Seconds from the polite stop to SIGKILL for its whole group.
        restart: When to start it again.
        output: Gets each line of its output.
        pidfile: Where pid and start time are kept, to find a leftover after a kill -9.
    """
    program = _Program(id, command, ready, stop_signal, shutdown, output, pidfile)
    return ChildSpec(
        id, program.live, restart=restart, shutdown=shutdown, start_timeout=start_timeout
    )


def _output_of(running: trio.Process) -> trio.abc.ReceiveStream:
    if running.stdout is None:
        raise RuntimeError("the process was started without a pipe")
    return running.stdout


def _as_user(command: Command) -> dict[str, object]:
    return {"user": command.user, "group": command.group, "extra_groups": []}


def _die_with_parent(stop_signal: signal.Signals, parent: int) -> None:
    """Ask the kernel for a signal when the parent dies; runs in the child before exec.

    After setuid, because a change of credentials clears the request; and a parent that died in
    between is found by its pid.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, stop_signal)
    if os.getppid() != parent:
        os._exit(1)


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


async def end_leftover(pidfile: Path, stop_signal: signal.Signals) -> bool:
    """End the process a pidfile names, if it is still that process; return whether it was."""
    try:
        pid, started = map(int, (await trio.Path(pidfile).read_text()).split())
    except (OSError, ValueError):
        return False
    if start_time(pid) != started:
        return False
    for sign in (stop_signal, signal.SIGKILL):
        _signal_group(pid, sign, group=sign is signal.SIGKILL)
        with trio.move_on_after(_LEFTOVER_SECONDS):
            while start_time(pid) == started:  # noqa: ASYNC110 - not our child: nothing to wait on
                await trio.sleep(0.02)
            return True
    return True


async def _end(running: trio.Process, sign: signal.Signals) -> None:
    if running.returncode is None:
        _signal_group(running.pid, sign, group=True)
        await running.wait()
    if running.stdout is not None:
        await running.stdout.aclose()


def _signal_group(pid: int, sign: signal.Signals, *, group: bool) -> None:
    try:
        if group:
            os.killpg(pid, sign)
        else:
            os.kill(pid, sign)
    except ProcessLookupError:
        pass  # it ended by itself in the meantime

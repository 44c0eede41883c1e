"""An OS process as a child: started, probed until ready, stopped by signal, never orphaned.

Two nets catch orphans. On Linux the kernel signals the child when the thread that forked it ends
(PR_SET_PDEATHSIG). Hence the fork happens in Trio's own thread: `trio.lowlevel.open_process`
forks in a worker thread, which ends after ten idle seconds and would take the child with it. And a
pidfile lets the next start after a kill -9 find a leftover and end it (`leftover.py`).
"""

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import trio

from supervisors.child import Child
from supervisors.errors import ProcessExited
from supervisors.leftover import end_leftover, write_pidfile
from supervisors.spec import ChildSpec, Restart

__all__ = ["Command", "RunningProcess", "process"]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_KILL_SECONDS = 10.0
_DRAIN_SECONDS = 1.0
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
        before_exec: Called in the child right before it becomes the program.
    """

    arguments: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None
    before_exec: Callable[[], None] | None = None


@attrs.define(eq=False)
class RunningProcess:
    """A process that was started, as given to a readiness probe.

    Attributes:
        pid: Its process id, and that of its group.
        exited: Set once it has ended.
        output: Its stdout and stderr in one pipe.
    """

    pid: int
    output: trio.abc.ReceiveStream
    _popen: "subprocess.Popen[bytes]"
    exited: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None until it was reaped."""
        return self._popen.returncode

    async def watch(self) -> None:
        """Wait until it ends, and leave it unreaped: its pid and group stay its own."""
        if sys.platform == "linux":
            handle = os.pidfd_open(self.pid)
            try:
                await trio.lowlevel.wait_readable(handle)
            finally:
                os.close(handle)
        else:
            wait = functools.partial(os.waitid, os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            await trio.to_thread.run_sync(wait, abandon_on_cancel=True)
        self.exited.set()

    def signal(self, sign: signal.Signals) -> None:
        """Signal it, but not its group."""
        if self.returncode is None:
            os.kill(self.pid, sign)

    def kill_group(self) -> None:
        """Kill it and what it left in its group."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill what is left of it, and reap it."""
        if self.returncode is None:
            self.kill_group()
            await self.watch()
            self._popen.wait()
        await self.output.aclose()


def _no_output(_line: str) -> None:
    """Drop a line."""


async def _at_once(_process: RunningProcess) -> None:
    """Be ready as soon as it runs."""


@attrs.frozen
class _Program:
    """A process child's description, bound to nothing yet."""

    id: str
    command: Callable[[], Command]
    ready: Callable[[RunningProcess], Awaitable[object]]
    stop_signal: signal.Signals
    output: Callable[[str], None]
    pidfile: Path | None

    async def live(self, child: Child) -> None:
        """Run the process for one life."""
        if self.pidfile:
            await end_leftover(self.pidfile, self.stop_signal)
        running = _spawn(self.command(), self.stop_signal)
        try:
            if self.pidfile:
                write_pidfile(self.pidfile, running.pid)
            await self._attend(child, running)
        finally:
            with trio.move_on_after(_KILL_SECONDS, shield=True):
                await running.end()
            if self.pidfile and running.returncode is not None:
                self.pidfile.unlink(missing_ok=True)
        if not child.stopping.is_set():
            raise ProcessExited(self.id, running.returncode or 0)

    async def _attend(self, child: Child, running: RunningProcess) -> None:
        async with trio.open_nursery() as nursery:
            drained = await nursery.start(self._drain, running)
            nursery.start_soon(self._probe, child, running)
            nursery.start_soon(self._stop_when_asked, child, running)
            await running.watch()
            running.kill_group()
            # Its last lines say why it died; a heir of the pipe may keep it open.
            with trio.move_on_after(_DRAIN_SECONDS):
                await drained.wait()
            nursery.cancel_scope.cancel()

    async def _probe(self, child: Child, running: RunningProcess) -> None:
        value = await self.ready(running)
        if not running.exited.is_set():
            child.started(value)

    async def _stop_when_asked(self, child: Child, running: RunningProcess) -> None:
        await child.stopping.wait()
        running.signal(self.stop_signal)

    async def _drain(
        self, running: RunningProcess, task_status: trio.TaskStatus[trio.Event]
    ) -> None:
        drained = trio.Event()
        task_status.started(drained)
        rest = b""
        async for chunk in running.output:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.output(line.decode(errors="replace"))
            rest = rest[-_MAX_LINE:]
        if rest:
            self.output(rest.decode(errors="replace"))
        drained.set()


def process(  # noqa: PLR0913 - each is a property of the child
    id: str,  # noqa: A002 - OTP's word, as in ChildSpec
    command: Callable[[], Command],
    *,
    ready: Callable[[RunningProcess], Awaitable[object]] = _at_once,
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
    program = _Program(id, command, ready, stop_signal, output, pidfile)
    return ChildSpec(
        id, program.live, restart=restart, shutdown=shutdown, start_timeout=start_timeout
    )


def _spawn(command: Command, stop_signal: signal.Signals) -> RunningProcess:
    """Fork in this thread (see the top of the file); blocks for the few ms until exec."""
    privileges: dict[str, Any] = {} if command.user is None else _as_user(command)
    popen = subprocess.Popen(  # noqa: S603 - the tree says what to run
        list(command.arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if command.env is None else dict(command.env),
        cwd=command.cwd,
        start_new_session=True,
        preexec_fn=functools.partial(_before_exec, command, stop_signal, os.getpid()),  # noqa: PLW1509 - system calls alone, bound before the fork
        **privileges,
    )
    if popen.stdout is None:
        raise RuntimeError("the process was started without a pipe")
    stream = trio.lowlevel.FdStream(os.dup(popen.stdout.fileno()))
    popen.stdout.close()
    return RunningProcess(popen.pid, stream, popen)


def _as_user(command: Command) -> dict[str, object]:
    return {"user": command.user, "group": command.group, "extra_groups": []}


def _before_exec(command: Command, stop_signal: signal.Signals, parent: int) -> None:
    if command.before_exec:
        command.before_exec()
    _die_with_parent(stop_signal, parent)


def _die_with_parent(stop_signal: signal.Signals, parent: int) -> None:
    """Ask the kernel for a signal when the parent dies; runs in the child before exec.

    After setuid, because a change of credentials clears the request; and a parent that died in
    between is found by its pid.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:
            os._exit(1)

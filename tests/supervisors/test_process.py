"""OS processes as children: real processes, real time, and never a sleep to wait for one."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from supervisors import (
    ChildCrashed,
    ChildKilled,
    ChildSpec,
    ChildStopped,
    Command,
    Flags,
    ProcessExited,
    RunningProcess,
    StartFailed,
    process,
    run_tree,
    supervisor,
)
from supervisors.leftover import end_leftover, start_time, write_pidfile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@attrs.define
class Program:
    """A shell script as a child; its output is the sign that it is ready."""

    script: str
    lines: list[str] = attrs.field(factory=list)
    pids: list[int] = attrs.field(factory=list)
    _said: trio.Event = attrs.field(factory=trio.Event)

    def note(self, line: str) -> None:
        """Keep a line of output, and wake who waits for it."""
        self.lines.append(line)
        self._said.set()
        self._said = trio.Event()

    async def says(self, line: str) -> None:
        """Wait for a line of output."""
        while line not in self.lines:
            await self._said.wait()

    async def ready(self, running: RunningProcess) -> None:
        """Wait until the script says so."""
        self.pids.append(running.pid)
        await self.says("ready")

    def spec(self, **options: Any) -> ChildSpec:
        """Describe it as a child."""
        command = options.pop("command", lambda: Command(["sh", "-c", self.script]))
        options.setdefault("ready", self.ready)
        return process("x", command, output=self.note, **options)


OBEDIENT = (
    "trap 'kill $!; echo bye; exit 0' TERM INT; sleep 1000 & echo ready; while :; do wait; done"
)
DEAF = "trap '' TERM; echo ready; sleep 1000"


def is_alive(pid: int) -> bool:
    """Say whether a process runs; zombies do not."""
    return start_time(pid) is not None


async def gone(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            await trio.lowlevel.wait_readable(handle)
        finally:
            os.close(handle)


async def test_process_starts_and_stops(run: Any) -> None:
    """It is ready when its probe says so, gets the stop signal, and is read to its last line."""
    program = Program(OBEDIENT)
    async with run(Flags(), [program.spec()]) as stage:
        assert stage.child("x").state == "running"
        assert is_alive(program.pids[0])

    assert program.lines == ["ready", "bye"]
    assert stage.observer.of(ChildStopped, "root/x") == [ChildStopped("root/x", asked=True)]
    assert not is_alive(program.pids[0])


async def test_process_unexpected_exit(run: Any, tmp_path: Path) -> None:
    """An exit that nobody asked for is a crash with its code, after its last words."""
    cue = tmp_path / "cue"
    os.mkfifo(cue)
    program = Program(f"echo ready; read line < {cue}; printf 'no space left' >&2; exit 3")
    async with run(Flags(intensity=5), [program.spec()]) as stage:
        with cue.open("w") as writer:
            writer.write("now\n")
        crash = await stage.observer.wait_for(ChildCrashed, "root/x")
        await stage.life("root/x", 2)
        os.kill(program.pids[1], signal.SIGKILL)
        killed = await stage.observer.wait_for(ChildCrashed, "root/x", 2)
        await stage.life("root/x", 3)

    assert isinstance(crash.reason, ProcessExited)
    assert (crash.reason.code, program.lines[1]) == (3, "no space left")
    assert killed.reason.code == -signal.SIGKILL


async def test_process_exits_before_it_is_ready() -> None:
    """A process that ends before it is ready has failed to start."""
    program = Program("exit 7")
    with pytest.raises(StartFailed, match="code 7"):
        await run_tree(supervisor("root", Flags(), [program.spec()]))


async def test_process_never_ready() -> None:
    """A process that is not ready in time is killed."""
    program = Program("sleep 1000")
    with pytest.raises(StartFailed, match="did not start within"):
        await run_tree(supervisor("root", Flags(), [program.spec(start_timeout=0.1)]))

    assert not is_alive(program.pids[0])


async def test_process_no_such_program() -> None:
    """A program that does not exist is a failure to start."""
    spec = process("x", lambda: Command(["/nonexistent/program"]))
    with pytest.raises(StartFailed, match="FileNotFoundError"):
        await run_tree(supervisor("root", Flags(), [spec]))


async def test_process_ignores_its_stop_signal(run: Any) -> None:
    """A process that ignores the stop signal is killed after its shutdown seconds."""
    program = Program(DEAF)
    async with run(Flags(), [program.spec(shutdown=0.1)]) as stage:
        pass

    assert stage.observer.of(ChildKilled) == [ChildKilled("root/x")]
    assert not is_alive(program.pids[0])


async def test_process_group_leaves_no_orphan(run: Any) -> None:
    """What a process leaves in its group when it ends is killed."""
    program = Program("trap 'exit 0' TERM; sleep 1000 & echo $!; echo ready; wait")
    with trio.fail_after(20):
        async with run(Flags(), [program.spec()]):
            grandchild = int(program.lines[0])
            assert is_alive(grandchild)
        await gone(grandchild)

    assert not is_alive(grandchild)


async def test_process_command_is_asked_at_each_start(run: Any) -> None:
    """Each life may have another command, as for a fresh port."""
    program, starts = Program(""), iter(range(9))

    def command() -> Command:
        return Command(["sh", "-c", f"echo start $N; {OBEDIENT}"], env={"N": str(next(starts))})

    async with run(Flags(), [program.spec(command=command)]) as stage:
        os.kill(program.pids[0], signal.SIGKILL)
        await stage.life("root/x", 2)
        await program.says("start 1")

    assert program.lines[0] == "start 0"


async def test_process_is_drained(run: Any) -> None:
    """A talkative process never blocks on its pipe, and a long line is bounded."""
    program = Program("head -c 3000000 /dev/zero | tr '\\0' x; echo; " + OBEDIENT)
    with trio.fail_after(20):
        async with run(Flags(), [program.spec()]):
            assert len(program.lines[0]) < 200_000


async def test_process_is_forked_by_the_thread_that_stays(run: Any) -> None:
    """The kernel's parent-death signal follows the forking thread, so no worker may fork."""
    program = Program(OBEDIENT)
    before = threading.active_count()
    async with run(Flags(), [program.spec()]):
        assert threading.active_count() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
async def test_process_as_another_user(run: Any) -> None:
    """A process may run as another user, in no other groups, and still dies with its parent."""
    program = Program("id -u; id -G; " + OBEDIENT)
    command = Command(["sh", "-c", program.script], user=65534, group=65534, cwd=Path("/"))
    async with run(Flags(), [program.spec(command=lambda: command)]):
        assert program.lines[:2] == ["65534", "65534"]


PARENT = """
import sys, trio
from pathlib import Path
from supervisors import *
script, pidfile = sys.argv[1:]
async def ready(running):
    print(running.pid, flush=True)
def talk(line):
    print(line, flush=True)
command = Command(["sh", "-c", script])
spec = process("x", lambda: command, ready=ready, output=talk, pidfile=Path(pidfile))
trio.run(lambda: run_tree(supervisor("root", Flags(), [spec])))
"""


async def killed_parent(script: str, pidfile: Path) -> int:
    """Start a parent with this child, kill -9 the parent; return the child's pid."""
    arguments = [sys.executable, "-c", PARENT, script, str(pidfile)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = await trio.lowlevel.open_process(arguments, stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    said = b""
    while b"ready" not in said or said.count(b"\n") < 2:
        said += await parent.stdout.receive_some()
    parent.kill()
    await parent.wait()
    await parent.stdout.aclose()
    return next(int(line) for line in said.split() if line.isdigit())


async def test_process_dies_with_its_parent(tmp_path: Path) -> None:
    """After a kill -9 of the parent the kernel gives the child its stop signal."""
    with trio.fail_after(30):
        pid = await killed_parent("echo ready; exec sleep 1000", tmp_path / "pid")
        await gone(pid)

    assert not is_alive(pid)


async def test_process_leftover_is_ended_at_the_next_start(run: Any, tmp_path: Path) -> None:
    """A child that survives the kill -9 of its parent is ended, with its group, before the next."""
    pidfile, heir = tmp_path / "pid", tmp_path / "heir"
    script = f"trap '' TERM; trap exit INT; sleep 1000 & echo $! > {heir}; echo ready"
    with trio.fail_after(30):
        pid = await killed_parent(f"{script}; while :; do wait; done", pidfile)
        assert is_alive(pid)
        program = Program(OBEDIENT)
        async with run(Flags(), [program.spec(pidfile=pidfile, stop_signal=signal.SIGINT)]):
            assert not is_alive(pid)
            assert pidfile.read_text().split()[0] == str(program.pids[0])
        await gone(int(heir.read_text()))

    assert not pidfile.exists()


@pytest.fixture
def stranger() -> Any:
    """Give a process that has nothing to do with us."""
    with subprocess.Popen(["sleep", "1000"]) as popen:
        yield popen
        popen.kill()


@pytest.mark.parametrize(
    "alter",
    [
        lambda pid, started, boot: f"{pid} {int(started) - 1} {boot}",
        lambda pid, started, boot: f"{pid} {started} another-boot",
        lambda pid, started, boot: f"{pid}",
        lambda pid, started, boot: "",
        lambda pid, started, boot: "not a number",
        lambda pid, started, boot: f"-1 {started} {boot}",
    ],
    ids=["start time", "boot", "torn", "empty", "garbage", "negative"],
)
async def test_process_never_ends_a_stranger(
    stranger: Any, tmp_path: Path, alter: Callable[[str, str, str], str]
) -> None:
    """A pid that was reused, or a damaged pidfile, makes nobody a leftover."""
    pidfile = tmp_path / "pid"
    write_pidfile(pidfile, stranger.pid)
    pidfile.write_text(alter(*pidfile.read_text().split()))

    assert not await end_leftover(pidfile, signal.SIGTERM)
    assert is_alive(stranger.pid)


def test_process_writes_its_pidfile_through_no_link(tmp_path: Path) -> None:
    """A link that somebody put in the way is replaced; where it leads nothing changes."""
    victim, pidfile = tmp_path / "victim", tmp_path / "pid"
    victim.write_text("kept")
    (tmp_path / "pid.new").symlink_to(victim)
    write_pidfile(pidfile, os.getpid())
    assert victim.read_text() == "kept"
    assert pidfile.read_text().split()[0] == str(os.getpid())
    assert not pidfile.is_symlink()


async def test_process_without_a_pidfile_has_no_leftover(tmp_path: Path) -> None:
    """The first start ever finds nothing."""
    assert not await end_leftover(tmp_path / "pid", signal.SIGTERM)

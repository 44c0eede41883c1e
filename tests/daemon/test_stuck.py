"""A child that ignores its cancellation must not keep the daemon from ending."""

import subprocess
import sys

_PROGRAM = """
import trio
from trio.testing import MockClock
from bitvault.daemon.program import watch
from supervisors import Child, ChildSpec, run_tree

async def deaf(child: Child) -> None:
    child.started()
    with trio.CancelScope(shield=True):
        await trio.sleep_forever()

async def main() -> None:
    stop = trio.Event()
    stop.set()
    await run_tree(ChildSpec("deaf", deaf), observer=watch, stop=stop)

trio.run(main, clock=MockClock(autojump_threshold=0))
"""


def test_a_child_that_cannot_be_ended_ends_the_daemon() -> None:
    """Ten virtual seconds after the cancellation the process leaves with exit code 1."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "does not end even when cancelled" in done.stdout + done.stderr

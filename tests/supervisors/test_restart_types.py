"""Each restart type against each way to end (`supervisor_SUITE` groups normal and abnormal)."""

from typing import Any

import pytest
import trio
import trio.testing

from supervisors import (
    ChildCrashed,
    ChildStopped,
    Flags,
    Restart,
    Shutdown,
    Strategy,
    SupervisorGaveUp,
)
from supervisors.testing import Puppet

NORMAL, SHUTDOWN, ABNORMAL = None, Shutdown("done"), ValueError("boom")


async def end_and_settle(puppet: Puppet, how: Exception | None) -> None:
    """End the puppet's life, and let its supervisor finish what follows."""
    if how is None:
        puppet.finish()
    else:
        puppet.crash(how)
    await trio.testing.wait_all_tasks_blocked()


async def restarted(run: Any, restart: Restart, how: Exception | None) -> tuple[bool, list[str]]:
    """End a child so; return whether it lives again, and the ids its supervisor still knows."""
    puppet = Puppet("x")
    async with run(Flags(), [puppet.spec(restart=restart)]) as stage:
        await end_and_settle(puppet, how)
        return puppet.lives == 2, [child.id for child in stage.root.which_children()]


async def test_permanent_normal(run: Any, autojump_clock: object) -> None:
    """A permanent child that returns is restarted."""
    assert await restarted(run, Restart.PERMANENT, NORMAL) == (True, ["x"])


async def test_permanent_shutdown(run: Any, autojump_clock: object) -> None:
    """A permanent child that shuts down is restarted."""
    assert await restarted(run, Restart.PERMANENT, SHUTDOWN) == (True, ["x"])


async def test_permanent_abnormal(run: Any, autojump_clock: object) -> None:
    """A permanent child that crashes is restarted (S1)."""
    assert await restarted(run, Restart.PERMANENT, ABNORMAL) == (True, ["x"])


async def test_transient_normal(run: Any, autojump_clock: object) -> None:
    """A transient child that returns stays down; its spec is kept."""
    assert await restarted(run, Restart.TRANSIENT, NORMAL) == (False, ["x"])


async def test_transient_shutdown(run: Any, autojump_clock: object) -> None:
    """A transient child that shuts down stays down; its spec is kept."""
    assert await restarted(run, Restart.TRANSIENT, SHUTDOWN) == (False, ["x"])


async def test_transient_abnormal(run: Any, autojump_clock: object) -> None:
    """A transient child that crashes is restarted."""
    assert await restarted(run, Restart.TRANSIENT, ABNORMAL) == (True, ["x"])


async def test_temporary_normal(run: Any, autojump_clock: object) -> None:
    """A temporary child that returns is forgotten."""
    assert await restarted(run, Restart.TEMPORARY, NORMAL) == (False, [])


async def test_temporary_shutdown(run: Any, autojump_clock: object) -> None:
    """A temporary child that shuts down is forgotten."""
    assert await restarted(run, Restart.TEMPORARY, SHUTDOWN) == (False, [])


async def test_temporary_abnormal(run: Any, autojump_clock: object) -> None:
    """A temporary child that crashes is forgotten."""
    assert await restarted(run, Restart.TEMPORARY, ABNORMAL) == (False, [])


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
async def test_temporary_bystander(run: Any, strategy: Strategy, autojump_clock: object) -> None:
    """A temporary child that a sibling's death took down is forgotten, not restarted."""
    culprit, bystander = Puppet("culprit"), Puppet("bystander")
    specs = [culprit.spec(), bystander.spec(restart=Restart.TEMPORARY)]
    async with run(Flags(strategy), specs) as stage:
        await end_and_settle(culprit, ABNORMAL)

        assert [child.id for child in stage.root.which_children()] == ["culprit"]
        assert (culprit.lives, bystander.lives) == (2, 1)


async def test_crash_report(run: Any, autojump_clock: object) -> None:
    """A crash is reported as a value: who, whose, why, and how often before."""
    puppet = Puppet("x")
    async with run(Flags(), [puppet]) as stage:
        await end_and_settle(puppet, ABNORMAL)

        expected = ChildCrashed("root/x", "root", "x", ABNORMAL, 0)
        assert stage.observer.of(ChildCrashed) == [expected]
        assert stage.child("x").last_error == "ValueError: boom"
        assert stage.child("x").restarts == 1


async def test_a_normal_end_is_no_crash(run: Any, autojump_clock: object) -> None:
    """A child that returns unasked is reported as stopped, not as crashed."""
    puppet = Puppet("x")
    async with run(Flags(), [puppet.spec(restart=Restart.TRANSIENT)]) as stage:
        await end_and_settle(puppet, NORMAL)

        assert stage.observer.of(ChildStopped) == [ChildStopped("root/x", asked=False)]
        assert stage.observer.of(ChildCrashed) == []


async def test_intensity_zero_gives_up_at_once(run: Any, autojump_clock: object) -> None:
    """Without allowed restarts the first death escalates out of the tree (S2)."""
    puppet = Puppet("x")
    async with run(Flags(intensity=0), [puppet], gives_up=True) as stage:
        puppet.crash(ABNORMAL)

    assert stage.observer.of(SupervisorGaveUp) == [SupervisorGaveUp("root", "x", ABNORMAL)]

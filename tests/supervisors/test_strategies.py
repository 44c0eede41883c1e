"""Who goes down with whom, and what happens when it does not help (`supervisor_SUITE`)."""

import random
from typing import Any

import pytest
import trio
import trio.testing

from supervisors import (
    Backoff,
    ChildStarted,
    Flags,
    Restart,
    RestartScheduled,
    StartRefused,
    Strategy,
    SupervisorGaveUp,
    supervisor,
)
from supervisors.testing import Puppet

FLAT = Backoff(jitter=0.0)
SEEDED = random.Random(7)  # noqa: S311 - a test that can be repeated


async def crash(puppet: Puppet) -> None:
    """Crash a puppet, and let its supervisor finish what follows."""
    puppet.crash()
    await trio.testing.wait_all_tasks_blocked()


async def test_one_for_one(run: Any, journal: Any, autojump_clock: object) -> None:
    """Only the child that died is restarted."""
    a, b, c = (Puppet(name, journal) for name in "abc")
    async with run(Flags(Strategy.ONE_FOR_ONE), [a, b, c]):
        await crash(b)
        assert journal[3:] == [("stop", "b"), ("start", "b")]


async def test_rest_for_one(run: Any, journal: Any, autojump_clock: object) -> None:
    """Those started later go down in reverse and come back in order (S7)."""
    a, b, c, d = (Puppet(name, journal) for name in "abcd")
    async with run(Flags(Strategy.REST_FOR_ONE), [a, b, c, d]):
        await crash(b)
        stops = [("stop", "b"), ("stop", "d"), ("stop", "c")]
        assert journal[4:] == [*stops, ("start", "b"), ("start", "c"), ("start", "d")]


async def test_one_for_all(run: Any, journal: Any, autojump_clock: object) -> None:
    """Everybody goes down in reverse and comes back in order."""
    a, b, c = (Puppet(name, journal) for name in "abc")
    async with run(Flags(Strategy.ONE_FOR_ALL), [a, b, c]):
        await crash(b)
        stops = [("stop", "b"), ("stop", "c"), ("stop", "a")]
        assert journal[3:] == [*stops, ("start", "a"), ("start", "b"), ("start", "c")]


@pytest.mark.parametrize("strategy", list(Strategy), ids=lambda s: f"{s.value}_escalation")
async def test_escalation(
    run: Any, journal: Any, strategy: Strategy, autojump_clock: object
) -> None:
    """One restart too many stops all children in reverse and ends the supervisor (S2)."""
    a, b = Puppet("a", journal), Puppet("b", journal)
    async with run(Flags(strategy, intensity=1), [a, b], gives_up=True) as stage:
        await crash(a)
        await stage.life("root/b", b.lives)
        journal.clear()
        a.crash()

    assert journal == [("stop", "a"), ("stop", "b")]
    assert [report.child for report in stage.observer.of(SupervisorGaveUp)] == ["a"]


async def test_escalation_is_handled_by_the_level_above(
    run: Any, journal: Any, autojump_clock: object
) -> None:
    """A nested supervisor that gave up is restarted with all its children."""
    a, b = Puppet("a", journal), Puppet("b", journal)
    nested = supervisor("inner", Flags(intensity=0), [a.spec(), b.spec()])
    async with run(Flags(), [nested]) as stage:
        await crash(a)
        await stage.life("root/inner", 2)

        assert (a.lives, b.lives) == (2, 2)
        assert stage.child("inner").restarts == 1


async def test_transient_supervisor_that_gave_up_stays_down(
    run: Any, autojump_clock: object
) -> None:
    """Giving up is OTP's exit reason `shutdown`: normal for a transient child."""
    puppet = Puppet("a")
    nested = supervisor("inner", Flags(intensity=0), [puppet.spec()], restart=Restart.TRANSIENT)
    async with run(Flags(), [nested]) as stage:
        await crash(puppet)

        assert stage.child("inner").state == "stopped"


async def test_restarts_outside_the_period_are_forgotten(run: Any, autojump_clock: object) -> None:
    """A child may die for ever, if it does so rarely enough."""
    puppet = Puppet("x")
    async with run(Flags(intensity=1, period=5), [puppet]) as stage:
        for life in range(2, 8):
            await trio.sleep(5.1)
            puppet.crash()
            await stage.life("root/x", life)

    assert puppet.lives == 7


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
async def test_other_child_fails_restart(
    run: Any, journal: Any, strategy: Strategy, autojump_clock: object
) -> None:
    """A sibling that fails its restart is tried again, and each try counts."""
    a, b = Puppet("a", journal), Puppet("b", journal)
    async with run(Flags(strategy, intensity=2), [a, b]) as stage:
        b.refuse.append(OSError("not yet"))
        await crash(a)
        await stage.life("root/b", 2)

        assert b.lives == 3
        assert [r.supervisor for r in stage.observer.of(StartRefused, "root/b")] == ["root"]
        assert stage.root.statistics().restarts_in_period == 2


async def test_restart_fail_escalates(run: Any, autojump_clock: object) -> None:
    """A child whose restart keeps failing uses up the intensity."""
    puppet = Puppet("x")
    puppet.refuse = [None, *[OSError("gone")] * 9]
    async with run(Flags(intensity=3), [puppet], gives_up=True):
        puppet.crash()

    assert puppet.lives == 4


async def test_hanging_restart_loop(run: Any, autojump_clock: object) -> None:
    """A stop gets in between two failing restarts, however many are allowed."""
    puppet = Puppet("x")
    puppet.refuse = [None, *[OSError("gone")] * 10_000]
    async with run(Flags(intensity=1_000_000, period=1e9), [puppet]) as stage:
        puppet.crash()
        await stage.observer.wait_for(StartRefused, "root/x", 3)

    assert puppet.lives < 10


async def test_backoff_does_not_block_siblings(run: Any, autojump_clock: object) -> None:
    """While one child waits for its restart, others are restarted at once."""
    a, b = Puppet("a"), Puppet("b")
    flags = Flags(intensity=9, period=99, backoff=Backoff(base=50, maximum=50, jitter=0))
    async with run(flags, [a, b]) as stage:
        await crash(a)
        await crash(a)
        await crash(b)
        assert (stage.child("a").state, stage.child("b").state) == ("waiting", "running")
        begun = trio.current_time()
        await stage.life("root/a", 3)
        assert trio.current_time() - begun == pytest.approx(50)


async def test_stop_does_not_wait_for_backoff(run: Any, autojump_clock: object) -> None:
    """A stop comes through while a child waits for its restart."""
    puppet = Puppet("x")
    async with run(Flags(backoff=Backoff(first=1000)), [puppet]) as stage:
        puppet.crash()
        await stage.observer.wait_for(RestartScheduled, "root/x")
        begun = trio.current_time()

    assert trio.current_time() == begun
    assert puppet.lives == 1


async def test_backoff_grows_and_ends_with_a_long_life(run: Any, autojump_clock: object) -> None:
    """The wait doubles with each restart in a row; a child that was well starts afresh."""
    puppet = Puppet("x")
    flags = Flags(intensity=9, period=10, backoff=FLAT)
    async with run(flags, [puppet]) as stage:
        for life in range(2, 6):
            puppet.crash()
            await stage.life("root/x", life)
        await trio.sleep(10.5)
        await crash(puppet)

    delays = [report.delay for report in stage.observer.of(RestartScheduled)]
    assert delays == pytest.approx([0, 0.1, 0.2, 0.4, 0])


async def test_restart_storm_is_spread_out(run: Any, autojump_clock: object) -> None:
    """Children that die together do not come back together (S9)."""
    puppets = [Puppet(f"p{n}") for n in range(20)]
    backoff = Backoff(first=1, base=1, jitter=0.5, random=SEEDED.random)
    async with run(Flags(intensity=99, period=9, backoff=backoff), puppets) as stage:
        for life in (2, 3):
            for puppet in puppets:
                puppet.crash()
            for puppet in puppets:
                await stage.life(f"root/{puppet.id}", life)

    delays = [report.delay for report in stage.observer.of(RestartScheduled)][20:]
    assert len(set(delays)) == 20
    assert all(0.5 <= delay <= 1 for delay in delays)


async def test_permanent_children_live_or_are_scheduled(run: Any, autojump_clock: object) -> None:
    """At any report, each permanent child has at most one life (I25)."""
    puppets = [Puppet(name) for name in "abc"]
    flags = Flags(Strategy.REST_FOR_ONE, intensity=999, period=1, backoff=FLAT)
    async with run(flags, puppets) as stage:
        for _ in range(60):
            puppet = SEEDED.choice(puppets)
            puppet.crash()
            await stage.life(f"root/{puppet.id}", len(started(stage, puppet)) + 1)
            await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(1.5)
            assert [child.state for child in stage.root.which_children()] == ["running"] * 3
    for puppet in puppets:
        assert [kind for kind, _ in puppet.journal] == ["start", "stop"] * puppet.lives


def started(stage: Any, puppet: Puppet) -> list[ChildStarted]:
    """Return a puppet's starts so far."""
    reports: list[ChildStarted] = stage.observer.of(ChildStarted, f"root/{puppet.id}")
    return reports

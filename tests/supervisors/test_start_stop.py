"""Starting in order and stopping in reverse (`supervisor_SUITE` groups sup_start and sup_stop)."""

from functools import partial
from typing import Any

import pytest
import trio

from supervisors import (
    BRUTAL_KILL,
    INFINITY,
    Child,
    ChildCrashed,
    ChildKilled,
    ChildSpec,
    ChildStopped,
    ChildStuck,
    Flags,
    InvalidSpec,
    StartFailed,
    StartRefused,
    run_tree,
    supervisor,
)
from supervisors.testing import Puppet, RecordingObserver


async def test_sup_start_order(run: Any, journal: Any, autojump_clock: object) -> None:
    """Children start left to right and stop right to left (S3)."""
    async with run(Flags(), [Puppet(name, journal) for name in "abc"]):
        assert journal == [("start", "a"), ("start", "b"), ("start", "c")]

    assert journal[3:] == [("stop", "c"), ("stop", "b"), ("stop", "a")]


async def test_sup_start_waits_for_the_handshake(
    run: Any, journal: Any, autojump_clock: object
) -> None:
    """The next sibling starts only when the one before it has said that it can answer."""

    async def slow(child: Child) -> None:
        await trio.sleep(60)
        journal.append(("ready", "slow"))
        child.started()
        await child.stopping.wait()

    async with run(Flags(), [ChildSpec("slow", slow), Puppet("next", journal)]):
        assert journal == [("ready", "slow"), ("start", "next")]


async def test_sup_start_without_children(run: Any, autojump_clock: object) -> None:
    """A supervisor without children is ready at once."""
    async with run(Flags(), []) as stage:
        assert stage.tree.status().state == "running"


async def test_sup_start_fail(journal: Any, autojump_clock: object) -> None:
    """A child that does not start takes those before it down in reverse (S4)."""
    children = [Puppet(name, journal) for name in "abcd"]
    children[2].refuse.append(OSError("no disk"))
    specs = [puppet.spec() for puppet in children]

    with pytest.raises(StartFailed, match="root/c did not start: OSError: no disk"):
        await run_tree(supervisor("root", Flags(), specs))

    assert journal == [("start", "a"), ("start", "b"), ("stop", "b"), ("stop", "a")]


async def test_sup_start_return_before_started(autojump_clock: object) -> None:
    """A permanent child that returns without the handshake has failed to start."""

    async def nothing(_child: Child) -> None:
        await trio.lowlevel.checkpoint()

    observer = RecordingObserver()
    with pytest.raises(StartFailed):
        await run_tree(supervisor("root", Flags(), [ChildSpec("x", nothing)]), observer=observer)

    assert [r.reason for r in observer.of(StartRefused, "root/x")] == [None]


async def test_sup_start_timeout(autojump_clock: object) -> None:
    """A child that never becomes ready is killed at its start timeout."""

    async def never(_child: Child) -> None:
        await trio.sleep_forever()

    begun = trio.current_time()
    spec = ChildSpec("x", never, start_timeout=30)

    with pytest.raises(StartFailed, match="did not start within 30 s"):
        await run_tree(supervisor("root", Flags(), [spec]))

    assert trio.current_time() - begun == 30


async def test_sup_start_crash_right_after_started(run: Any, autojump_clock: object) -> None:
    """A child that crashes just after the handshake has started: it is restarted."""
    lives = []

    async def start(child: Child) -> None:
        child.started()
        lives.append(child)
        if len(lives) == 1:
            raise ValueError("too early")
        await child.stopping.wait()

    async with run(Flags(), [ChildSpec("x", start)]) as stage:
        await stage.life("root/x", 2)

    assert len(lives) == 2


async def test_sup_start_duplicate_ids(autojump_clock: object) -> None:
    """Two children of one id are refused before anything starts."""
    with pytest.raises(InvalidSpec, match="'a'"):
        supervisor("root", Flags(), [Puppet("a").spec(), Puppet("a").spec()])


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": "a/b"},
        {"start": None},
        {"shutdown": -1},
        {"shutdown": "soon"},
        {"start_timeout": 0},
    ],
    ids=str,
)
async def test_child_spec_is_checked_when_built(
    wrong: dict[str, Any], autojump_clock: object
) -> None:
    """A spec that makes no sense is refused by the name of the field."""
    right: dict[str, Any] = {"id": "a", "start": Puppet("a").live}

    with pytest.raises(InvalidSpec, match=next(iter(wrong))):
        ChildSpec(**{**right, **wrong})


@pytest.mark.parametrize("wrong", [{"intensity": -1}, {"period": 0}, {"max_children": 0}], ids=str)
async def test_sup_flags_are_checked_when_built(
    wrong: dict[str, Any], autojump_clock: object
) -> None:
    """Flags that make no sense are refused by the name of the field."""
    with pytest.raises(InvalidSpec, match=next(iter(wrong))):
        Flags(**wrong)


async def sleep_on(child: Child, seconds: float) -> None:
    """Start, and take so long to stop."""
    child.started()
    await child.stopping.wait()
    await trio.sleep(seconds)


async def test_sup_stop_infinity(run: Any, autojump_clock: object) -> None:
    """A child with an infinite shutdown is never killed."""
    slow = ChildSpec("x", partial(sleep_on, seconds=10_000), shutdown=INFINITY)
    async with run(Flags(), [slow]) as stage:
        pass

    assert stage.observer.of(ChildStopped, "root/x") == [ChildStopped("root/x", asked=True)]
    assert stage.observer.of(ChildKilled) == []


async def test_sup_stop_timeout(run: Any, autojump_clock: object) -> None:
    """A child that outlives its shutdown is killed, and the rest is still stopped."""
    slow = ChildSpec("slow", partial(sleep_on, seconds=100), shutdown=3)
    quick = ChildSpec("quick", partial(sleep_on, seconds=1), shutdown=3)
    begun = trio.current_time()
    async with run(Flags(), [quick, slow]) as stage:
        pass

    assert trio.current_time() - begun == 4
    assert stage.observer.of(ChildKilled) == [ChildKilled("root/slow")]
    assert stage.observer.of(ChildStopped, "root/quick") == [ChildStopped("root/quick", asked=True)]


async def test_sup_stop_brutal_kill(run: Any, autojump_clock: object) -> None:
    """A child to be killed brutally is not asked first."""
    asked = []

    async def start(child: Child) -> None:
        child.started()
        try:
            await trio.sleep_forever()
        finally:
            asked.append(child.stopping.is_set())

    async with run(Flags(), [ChildSpec("x", start, shutdown=BRUTAL_KILL)]) as stage:
        pass

    assert asked == [False]
    assert stage.observer.of(ChildKilled) == [ChildKilled("root/x")]


async def test_sup_stop_crash_while_stopping(
    run: Any, journal: Any, autojump_clock: object
) -> None:
    """A child that fails while it stops is reported, and the stop goes on (S5)."""

    async def start(child: Child) -> None:
        child.started()
        await child.stopping.wait()
        raise OSError("flush failed")

    async with run(Flags(), [Puppet("a", journal), ChildSpec("x", start)]) as stage:
        pass

    (crash,) = stage.observer.of(ChildCrashed)
    assert (crash.path, crash.stopping, str(crash.reason)) == ("root/x", True, "flush failed")
    assert journal[-1] == ("stop", "a")


async def test_sup_stop_shielded_cleanup(run: Any, autojump_clock: object) -> None:
    """A killed child may finish a bounded shielded cleanup (S6)."""
    cleaned = []

    async def start(child: Child) -> None:
        child.started()
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(2, shield=True):
                await trio.sleep(1)
                cleaned.append("rolled back")

    async with run(Flags(), [ChildSpec("x", start, shutdown=5)]) as stage:
        pass

    assert cleaned == ["rolled back"]
    assert stage.observer.of(ChildStuck) == []


async def test_sup_stop_ignores_its_kill(run: Any, autojump_clock: object) -> None:
    """A child that ignores its kill is reported as stuck within a bound (S8)."""

    async def start(child: Child) -> None:
        child.started()
        with trio.move_on_after(60, shield=True):
            await trio.sleep_forever()

    async with run(Flags(), [ChildSpec("x", start, shutdown=5)]) as stage:
        begun = trio.current_time()
        stage.stop.set()
        await stage.observer.wait_for(ChildStuck, "root/x")
        assert trio.current_time() - begun == 15


async def test_sup_stop_while_starting(run: Any, autojump_clock: object) -> None:
    """A stop gets in while a child is still starting."""
    observer, stop, begun = RecordingObserver(), trio.Event(), trio.Event()

    async def start(child: Child) -> None:
        begun.set()
        await child.stopping.wait()

    async with trio.open_nursery() as nursery:
        root = supervisor("root", Flags(), [ChildSpec("x", start)])
        nursery.start_soon(partial(run_tree, root, observer=observer, stop=stop))
        await begun.wait()
        stop.set()

    assert observer.of(ChildStopped, "root/x") == [ChildStopped("root/x", asked=True)]


async def test_sup_kill_with_mixed_causes(autojump_clock: object) -> None:
    """A cancel from above is never swallowed, nor what a child raised on its way out (S10)."""
    observer = RecordingObserver()

    async def start(child: Child) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            child.started()
            try:
                await trio.sleep_forever()
            finally:
                raise OSError("on the way out")

    root = supervisor("root", Flags(), [ChildSpec("x", start)])
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(run_tree, root, observer=observer))
            scope.cancel()

    assert scope.cancelled_caught
    assert [str(crash.reason) for crash in observer.of(ChildCrashed)] == ["on the way out"]

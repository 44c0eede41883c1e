"""Ask and tell: whatever becomes of the actor, every ask is answered."""

from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from supervisors import (
    AskTimeout,
    Backoff,
    ChildCrashed,
    ChildKilled,
    Flags,
    NotRunning,
    UnknownMessage,
    run_tree,
    supervisor,
)
from tests.supervisors.desk import USER, Crash, Double, Scene, Wait, WhoAmI, settle


async def test_ask_is_typed_and_answered(run: Any, scene: Scene, autojump_clock: object) -> None:
    """A request's `__reply__` gives its ask a type; mypy checks this line."""
    async with run(Flags(), [scene.spec()]):
        answer: int = await scene.desk.ask(Double(21))
        assert answer == 42


async def test_ask_answered_on_crash(run: Any, scene: Scene, autojump_clock: object) -> None:
    """Who was running or queued when the actor crashed hears of it; the next life answers."""
    async with run(Flags(), [scene.spec(concurrency=2)]) as stage, trio.open_nursery() as nursery:
        nursery.start_soon(scene.ask, Wait())
        await settle()
        scene.desk.tell(Crash())
        nursery.start_soon(scene.ask, Wait())
        nursery.start_soon(scene.ask, Wait())
        await stage.life("root/desk", 2)
        await settle()
        assert scene.heard == [("ActorDied", "ZeroDivisionError")] * 3
        assert await scene.desk.ask(Double(1)) == 2
        assert [str(r.reason) for r in stage.observer.of(ChildCrashed)] == ["on request"]


async def test_ask_answered_on_kill(run: Any, scene: Scene, autojump_clock: object) -> None:
    """Who waits for an actor that is killed hears of it."""
    async with trio.open_nursery() as nursery, run(Flags(), [scene.spec(shutdown=5)]) as stage:
        nursery.start_soon(scene.ask, Wait())
        await settle()

    assert stage.observer.of(ChildKilled) == [ChildKilled("root/desk")]
    assert scene.heard == [("ActorDied", "killed")]


async def test_ask_answered_on_cancel_of_the_tree(scene: Scene, autojump_clock: object) -> None:
    """Who waits outside a tree that is cancelled hears of it."""
    async with trio.open_nursery() as askers, trio.open_nursery() as nursery:
        await nursery.start(run_tree_of, scene)
        askers.start_soon(scene.ask, Wait())
        await settle()
        nursery.cancel_scope.cancel()

    assert scene.heard == [("ActorDied", "killed")]


async def run_tree_of(  # noqa: ASYNC128 - passed on
    scene: Scene, task_status: trio.TaskStatus[Any]
) -> None:
    """Run a tree with nothing but the desk."""
    await run_tree(supervisor("root", Flags(), [scene.spec()]), task_status=task_status)


async def test_ask_queued_is_handled_on_polite_stop(
    run: Any, scene: Scene, autojump_clock: object
) -> None:
    """A polite stop closes the mailbox: what is queued is answered, what is new is refused."""
    async with run(Flags(), [scene.spec(concurrency=1)]) as stage, trio.open_nursery() as nursery:
        nursery.start_soon(scene.ask, Wait())
        nursery.start_soon(scene.ask, Wait())
        await settle()
        stage.stop.set()
        await settle()
        await scene.ask(Double(1))
        scene.gate.set()

    assert scene.heard == [("NotRunning", "not running"), "open", "open"]
    assert scene.log[-1] == "on_stop"


async def test_ask_of_nobody(scene: Scene, autojump_clock: object) -> None:
    """A name that nobody has is refused at once, to tell as to ask."""
    with pytest.raises(NotRunning):
        await scene.desk.ask(Double(1))
    with pytest.raises(NotRunning):
        scene.desk.tell(Double(1))


async def test_ask_deadline(run: Any, scene: Scene, autojump_clock: object) -> None:
    """An ask ends at its deadline; the handler that runs goes on to its end."""
    async with run(Flags(), [scene.spec()]):
        begun = trio.current_time()
        with pytest.raises(AskTimeout, match="within 7 s"):
            await scene.desk.ask(Wait(), timeout=7)
        assert trio.current_time() - begun == 7
        scene.gate.set()
        await settle()
        assert scene.log == ["+0", "-0"]


async def test_ask_dropped_when_its_asker_goes(
    run: Any, scene: Scene, autojump_clock: object
) -> None:
    """A queued request leaves with its asker, makes room, and is never handled."""
    async with run(Flags(), [scene.spec(concurrency=1, capacity=1)]) as stage:
        scene.desk.tell(Wait("a"))
        await settle()
        with pytest.raises(AskTimeout):
            await scene.desk.ask(Wait("b"), timeout=1)
        statistics = stage.child("desk").statistics
        assert (statistics.mailbox.queued, statistics.mailbox.abandoned) == (0, 1)
        scene.desk.tell(Wait("c"))
        scene.gate.set()
        await settle()

    assert scene.log == ["+a0", "-a0", "+c0", "-c0", "on_stop"]


async def test_context_of_the_asker(run: Any, scene: Scene, autojump_clock: object) -> None:
    """A handler runs in its asker's context variables, and cannot change them for others."""
    async with run(Flags(), [scene.spec()]):
        assert await scene.desk.ask(WhoAmI()) == "nobody"
        token = USER.set("alice")
        assert await scene.desk.ask(WhoAmI()) == "alice"
        USER.reset(token)
        assert await scene.desk.ask(WhoAmI()) == "nobody"


async def test_unknown_message(run: Any, scene: Scene, autojump_clock: object) -> None:
    """A message that no handler takes is the asker's fault and crashes nobody."""
    async with run(Flags(), [scene.spec()]) as stage:
        with pytest.raises(UnknownMessage, match="desk does not handle str"):
            scene.desk.tell("hello")
        assert stage.observer.of(ChildCrashed) == []


async def test_every_ask_is_answered(run: Any, scene: Scene, autojump_clock: object) -> None:
    """Through crashes and a stop, nobody is left waiting: answers equal asks."""
    flags = Flags(intensity=10_000, period=1, backoff=Backoff(base=0))
    async with trio.open_nursery() as nursery, run(flags, [scene.spec(capacity=400)]) as stage:
        for number in range(300):
            request = Crash() if number % 29 == 7 else Double(number)
            nursery.start_soon(partial(scene.ask, request, timeout=1e6))
            if number % 3 == 0:
                await trio.lowlevel.checkpoint()
        await settle()
        assert await scene.desk.ask(Double(1)) == 2
        stage.stop.set()

    kinds = {answer[0] if isinstance(answer, tuple) else "reply" for answer in scene.heard}
    assert len(scene.heard) == 300
    assert "ActorDied" in kinds <= {"reply", "ActorDied", "NotRunning"}

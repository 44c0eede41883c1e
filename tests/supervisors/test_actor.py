"""Ask and tell: every ask is answered, overload is refused, order is kept."""

import contextvars
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from supervisors import (
    Actor,
    ActorDied,
    AskTimeout,
    Backoff,
    Child,
    ChildCrashed,
    ChildKilled,
    DuplicateHandler,
    Flags,
    MailboxFull,
    NameTaken,
    NotRunning,
    Ref,
    Registry,
    RegistryStatistics,
    StartFailed,
    UnknownMessage,
    actor,
    handles,
    run_tree,
    supervisor,
)
from supervisors.testing import Puppet

USER: contextvars.ContextVar[str] = contextvars.ContextVar("USER")


@attrs.frozen
class Double:
    """Ask for twice a number."""

    number: int

    def __reply__(self) -> int:
        raise NotImplementedError


@attrs.frozen
class Wait:
    """Ask to be held until the gate opens."""

    key: str = ""
    number: int = 0

    def __reply__(self) -> str:
        raise NotImplementedError


@attrs.frozen
class Crash:
    """Ask for a crash."""

    def __reply__(self) -> None:
        raise NotImplementedError


@attrs.frozen
class WhoAmI:
    """Ask for the asker's context."""

    def __reply__(self) -> str:
        raise NotImplementedError


@attrs.define(eq=False)
class Desk(Actor):
    """An actor with a gate."""

    gate: trio.Event
    log: list[str]

    @handles(Double)
    async def double(self, request: Double) -> int:
        """Answer at once."""
        await trio.lowlevel.checkpoint()
        return 2 * request.number

    @handles(Wait)
    async def wait(self, request: Wait) -> str:
        """Answer when the gate is open."""
        self.log.append(f"+{request.key}{request.number}")
        await self.gate.wait()
        await trio.lowlevel.checkpoint()
        self.log.append(f"-{request.key}{request.number}")
        return "open"

    @handles(Crash)
    async def crash(self, request: Crash) -> None:
        """Crash."""
        raise ZeroDivisionError("on request")

    @handles(WhoAmI)
    async def who_am_i(self, request: WhoAmI) -> str:
        """Answer from the context."""
        await trio.lowlevel.checkpoint()
        return USER.get("nobody")

    async def on_stop(self) -> None:
        """Leave a trace."""
        self.log.append("on_stop")


@attrs.define
class Scene:
    """A desk in a registry, its gate, its log, and what its askers heard."""

    registry: Registry = attrs.field(factory=Registry)
    gate: trio.Event = attrs.field(factory=trio.Event)
    log: list[str] = attrs.field(factory=list)
    heard: list[object] = attrs.field(factory=list)

    @property
    def desk(self) -> Ref:
        """The reference to ask."""
        return self.registry.ref("desk")

    def spec(self, **options: Any) -> Any:
        """Describe the desk as a child."""
        return actor("desk", partial(Desk, self.gate, self.log), registry=self.registry, **options)

    async def ask(self, request: Any, **options: Any) -> None:
        """Ask, and note the answer or the type of the refusal."""
        try:
            self.heard.append(await self.desk.ask(request, **options))
        except (ActorDied, AskTimeout, MailboxFull) as refusal:
            self.heard.append((type(refusal).__name__, getattr(refusal, "cause", None)))


@pytest.fixture
def scene() -> Scene:
    """Give a scene whose desk does not run yet."""
    return Scene()


settle: Callable[[], Any] = trio.testing.wait_all_tasks_blocked


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


async def test_overload_is_refused(run: Any, scene: Scene, autojump_clock: object) -> None:
    """What does not fit into the mailbox is refused and counted."""
    async with run(Flags(), [scene.spec(concurrency=2, capacity=3)]) as stage:
        for _ in range(5):
            scene.desk.tell(Wait())
            await settle()
        with pytest.raises(MailboxFull):
            scene.desk.tell(Double(1))
        with pytest.raises(MailboxFull):
            await scene.desk.ask(Double(1))
        statistics = stage.child("desk").statistics
        assert (statistics.running, statistics.mailbox.queued) == (2, 3)
        assert (statistics.mailbox.accepted, statistics.mailbox.refused) == (5, 2)
        scene.gate.set()


async def test_overload_of_one_key_is_refused(
    run: Any, scene: Scene, autojump_clock: object
) -> None:
    """Requests of a busy key wait in the mailbox, within its bound."""
    spec = scene.spec(capacity=4, serial_by=lambda _request: "hot")
    async with run(Flags(), [spec]):
        for _ in range(5):
            scene.desk.tell(Wait())
            await settle()
        with pytest.raises(MailboxFull):
            scene.desk.tell(Wait())
        scene.gate.set()


async def test_n_at_a_time(run: Any, scene: Scene, autojump_clock: object) -> None:
    """`concurrency` handlers run at a time, one more does not."""
    async with run(Flags(), [scene.spec(concurrency=3)]):
        for number in range(4):
            scene.desk.tell(Wait(number=number))
        await settle()
        assert sorted(scene.log) == ["+0", "+1", "+2"]
        scene.gate.set()


async def test_serial(run: Any, scene: Scene, autojump_clock: object) -> None:
    """With a concurrency of 1 requests are handled in order, one after the other."""
    scene.gate.set()
    async with run(Flags(), [scene.spec(concurrency=1)]):
        for number in range(20):
            scene.desk.tell(Wait(number=number))

    assert scene.log == [f"{s}{n}" for n in range(20) for s in "+-"] + ["on_stop"]


async def test_serial_per_key(run: Any, scene: Scene, autojump_clock: object) -> None:
    """Requests of one key keep their order; a busy key does not hold up another."""
    async with run(Flags(), [scene.spec(serial_by=lambda request: request.key)]):
        for number in range(5):
            for key in "ab":
                scene.desk.tell(Wait(key, number))
        await settle()
        assert sorted(scene.log) == ["+a0", "+b0"]
        scene.gate.set()

    for key in "ab":
        mine = [entry for entry in scene.log if key in entry]
        assert mine == [f"{s}{key}{n}" for n in range(5) for s in "+-"]


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


def test_duplicate_handler() -> None:
    """Two handlers of one message are refused when the class is made."""
    with pytest.raises(DuplicateHandler, match="one and two handle Double"):

        class Confused(Actor):
            @handles(Double)
            async def one(self, request: Double) -> int:
                raise NotImplementedError

            @handles(Double)
            async def two(self, request: Double) -> int:
                raise NotImplementedError


def test_a_subclass_overrides_a_handler() -> None:
    """A method of the same name takes the place of the inherited handler."""

    class Triple(Desk):
        @handles(Double)
        async def double(self, request: Double) -> int:
            return 3 * request.number

    assert Triple.handlers[Double] == "double"
    assert set(Triple.handlers) == set(Desk.handlers)


async def test_name_is_freed_before_the_supervisor_learns_of_the_death(
    run: Any, scene: Scene, autojump_clock: object
) -> None:
    """At the very moment of the crash report the name is free for the next life."""
    async with run(Flags(), [scene.spec()]) as stage:
        names: list[RegistryStatistics] = []
        tell = stage.observer.__call__

        def observe(report: Any) -> None:
            if isinstance(report, ChildCrashed):
                names.append(scene.registry.statistics())
            tell(report)

        scene_tree(stage).observer = observe
        scene.desk.tell(Crash())
        await stage.life("root/desk", 2)
        assert names == [RegistryStatistics(names=0)]


def scene_tree(stage: Any) -> Any:
    """Return what the children of a stage share."""
    return stage.root.me.tree


async def test_name_taken(scene: Scene, autojump_clock: object) -> None:
    """Two live actors of one name: the second does not start."""
    second = actor("other", partial(Desk, scene.gate, []), registry=scene.registry, name="desk")
    with pytest.raises(StartFailed, match="NameTaken") as failure:
        await run_tree(supervisor("root", Flags(), [scene.spec(), second]))

    assert isinstance(failure.value.__cause__, NameTaken)


async def test_one_factory_call_per_life(run: Any, scene: Scene, autojump_clock: object) -> None:
    """Each life has a new actor; a factory that fails is a failure to start."""
    made: list[Desk] = []

    def factory() -> Desk:
        made.append(Desk(scene.gate, scene.log))
        return made[-1]

    async with run(Flags(), [actor("desk", factory, registry=scene.registry)]) as stage:
        assert len(made) == 1
        await scene.ask(Crash())
        await stage.life("root/desk", 2)
        assert len(made) == 2


async def test_on_start_holds_back_the_name_and_the_sibling(
    run: Any, scene: Scene, autojump_clock: object
) -> None:
    """Nobody can ask an actor that is not ready yet."""
    seen: list[object] = []

    class Slow(Desk):
        async def on_start(self) -> None:
            await trio.sleep(5)
            seen.append(scene.registry.statistics().names)

    spec = actor("desk", partial(Slow, scene.gate, scene.log), registry=scene.registry)
    async with run(Flags(), [spec, Puppet("next")]) as stage:
        assert seen == [0]
        assert stage.child("next").started_at >= 5


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


async def test_a_child_that_is_no_actor_has_no_name(run: Any, scene: Scene) -> None:
    """A registry knows actors only."""

    async def plain(child: Child) -> None:
        child.started()
        await child.stopping.wait()

    async with run(Flags(), [Puppet("desk")]):
        assert scene.registry.statistics() == RegistryStatistics(names=0)

"""What an actor is: its handlers, its lives, and the name it has in each."""

from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define

from supervisors import (
    Actor,
    Child,
    ChildCrashed,
    DuplicateHandler,
    Flags,
    NameTaken,
    RegistryStatistics,
    StartFailed,
    actor,
    handles,
    run_tree,
    supervisor,
)
from supervisors.testing import Puppet
from tests.supervisors.desk import Crash, Desk, Double, Scene


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


async def test_an_actor_is_composed_of_parts() -> None:
    """The handlers of its parts are its own, and run with what the part has."""

    @define
    class Doubling:
        factor: int

        @handles(Double)
        async def double(self, request: Double) -> int:
            return self.factor * request.number

    @define
    class Composed(Actor):
        doubling: Doubling

    assert dict(Composed.handlers) == {Double: "doubling.double"}
    assert await Composed(Doubling(5)).handle(Double(3)) == 15


def test_two_parts_do_not_handle_one_message() -> None:
    """Parts are judged together, and with the actor's own methods."""

    class Part:
        @handles(Double)
        async def double(self, request: Double) -> int:
            raise NotImplementedError

    with pytest.raises(DuplicateHandler, match=r"one\.double and other\.double handle Double"):

        class Composed(Actor):
            one: Part
            other: Part


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


async def test_a_child_that_is_no_actor_has_no_name(run: Any, scene: Scene) -> None:
    """A registry knows actors only."""

    async def plain(child: Child) -> None:
        child.started()
        await child.stopping.wait()

    async with run(Flags(), [Puppet("desk")]):
        assert scene.registry.statistics() == RegistryStatistics(names=0)

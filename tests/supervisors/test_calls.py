"""The calls of a running supervisor (OTP's groups child_adm and simple_one_for_one)."""

from typing import Any

import pytest
import trio
import trio.testing

from supervisors import (
    Child,
    ChildAlreadyPresent,
    ChildCounts,
    ChildNotFound,
    ChildRunning,
    ChildSpec,
    ChildStopped,
    Flags,
    NotRunning,
    Restart,
    StartFailed,
    Strategy,
    Supervisor,
    SupervisorGaveUp,
    supervisor,
)
from supervisors.testing import Puppet


async def test_child_adm(run: Any, autojump_clock: object) -> None:
    """A child is terminated, restarted, terminated, deleted; each only when it makes sense."""
    puppet = Puppet("x")
    async with run(Flags(), [puppet]) as stage:
        with pytest.raises(ChildRunning):
            await stage.root.delete_child("x")
        await stage.root.terminate_child("x")
        assert stage.child("x").state == "stopped"
        assert await stage.root.restart_child("x") is puppet
        with pytest.raises(ChildRunning):
            await stage.root.restart_child("x")
        await stage.root.terminate_child("x")
        await stage.root.delete_child("x")
        assert stage.root.which_children() == ()


@pytest.mark.parametrize("call", ["terminate_child", "restart_child", "delete_child"])
async def test_child_adm_unknown_child(run: Any, autojump_clock: object, call: str) -> None:
    """A call about nobody is refused."""
    async with run(Flags(), []) as stage:
        with pytest.raises(ChildNotFound):
            await getattr(stage.root, call)("nobody")
        with pytest.raises(ChildNotFound):
            stage.root.get_childspec("nobody")


async def test_terminate_temporary_child(run: Any, autojump_clock: object) -> None:
    """A terminated temporary child is forgotten."""
    async with run(Flags(), [Puppet("x").spec(restart=Restart.TEMPORARY)]) as stage:
        await stage.root.terminate_child("x")
        assert stage.root.which_children() == ()


async def test_count_children(run: Any, autojump_clock: object) -> None:
    """Children are counted by kind and by whether they run."""
    nested = supervisor("inner", Flags(), [])
    async with run(Flags(), [nested, Puppet("a"), Puppet("b")]) as stage:
        await stage.root.terminate_child("b")
        expected = ChildCounts(specs=3, active=2, supervisors=1, workers=2)
        assert stage.root.count_children() == expected


async def test_get_childspec(run: Any, autojump_clock: object) -> None:
    """The spec comes back as it was given."""
    spec = Puppet("x").spec()
    async with run(Flags(), [spec]) as stage:
        assert stage.root.get_childspec("x") is spec


async def test_simple_one_for_one(run: Any, autojump_clock: object) -> None:
    """A dynamic child gives its value to who started it, and is restarted like others."""
    puppet = Puppet("x")
    async with run(Flags(), []) as stage:
        assert await stage.root.start_child(puppet.spec()) is puppet
        puppet.crash()
        await stage.life("root/x", 2)


async def test_simple_one_for_one_already_present(run: Any, autojump_clock: object) -> None:
    """A second child of the same id is refused, and the first one lives on."""
    async with run(Flags(), [Puppet("x")]) as stage:
        with pytest.raises(ChildAlreadyPresent):
            await stage.root.start_child(Puppet("x").spec())
        assert stage.child("x").state == "running"


async def test_simple_one_for_one_start_fails(run: Any, autojump_clock: object) -> None:
    """A dynamic child that does not start is refused and leaves nothing behind."""
    async with run(Flags(), []) as stage:
        with pytest.raises(StartFailed, match="no disk"):
            await stage.root.start_child(Puppet("x", refuse=[OSError("no disk")]).spec())
        assert stage.root.which_children() == ()
        assert stage.root.statistics().restarts == 0


async def test_simple_one_for_one_bounded(run: Any, autojump_clock: object) -> None:
    """Too many children are refused."""
    async with run(Flags(max_children=1), [Puppet("x")]) as stage:
        with pytest.raises(StartFailed, match="children already"):
            await stage.root.start_child(Puppet("y").spec())


async def test_simple_one_for_one_shutdown(run: Any, journal: Any, autojump_clock: object) -> None:
    """Dynamic children stop all together, and before the static ones."""

    async def slow(child: Child) -> None:
        child.started()
        await child.stopping.wait()
        await trio.sleep(3)

    async with run(Flags(), [Puppet("static", journal)]) as stage:
        for number in range(10):
            await stage.root.start_child(ChildSpec(f"d{number}", slow))
        begun = trio.current_time()

    assert trio.current_time() - begun == 3
    assert stage.observer.of(ChildStopped)[10].path == "root/static"


async def test_simple_one_for_one_stop_while_starting(run: Any, autojump_clock: object) -> None:
    """A stop ends a start_child that is under way, and its caller hears of it."""
    begun = trio.Event()
    heard: list[str] = []

    async def never_ready(child: Child) -> None:
        begun.set()
        await child.stopping.wait()

    async def ask(root: Supervisor) -> None:
        with pytest.raises((StartFailed, NotRunning)) as refusal:
            await root.start_child(ChildSpec("x", never_ready))
        heard.append(refusal.typename)

    async with trio.open_nursery() as nursery, run(Flags(), []) as stage:
        nursery.start_soon(ask, stage.root)  # noqa: ASYNC111 - the asker outlives the tree
        await begun.wait()

    assert heard == ["StartFailed"]


async def test_simple_one_for_one_escalation(run: Any, autojump_clock: object) -> None:
    """After an escalation the static children are back, the dynamic ones are gone."""
    static, dynamic = Puppet("s"), Puppet("d")
    inner = supervisor("inner", Flags(Strategy.ONE_FOR_ALL, intensity=0), [static.spec()])
    async with run(Flags(), [inner]) as stage:
        await stage.root.terminate_child("inner")
        door = await stage.root.restart_child("inner")
        assert isinstance(door, Supervisor)
        await door.start_child(dynamic.spec())
        dynamic.crash()
        await stage.life("root/inner", 3)
        assert [child.id for child in stage.child("inner").children] == ["s"]


async def test_calls_after_giving_up(run: Any, autojump_clock: object) -> None:
    """A call to a supervisor that has given up is refused, not left waiting."""
    puppet = Puppet("x")
    async with run(Flags(intensity=0), [puppet], gives_up=True) as stage:
        root = stage.root
        puppet.crash()
        await stage.observer.wait_for(SupervisorGaveUp)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(NotRunning):
            await root.start_child(Puppet("y").spec())


async def test_status_shows_the_whole_tree(run: Any, autojump_clock: object) -> None:
    """Any child can see the whole tree, itself included, even while it starts."""
    seen = []

    async def look(child: Child) -> None:
        seen.append(child.tree.status())
        child.statistics = lambda: {"lag": 3}
        child.started()
        await child.stopping.wait()

    nested = supervisor("inner", Flags(), [Puppet("a").spec(), ChildSpec("b", look)])
    async with run(Flags(), [nested]) as stage:
        (inner,) = stage.tree.status().children
        assert [(c.path, c.state, c.statistics) for c in inner.children] == [
            ("root/inner/a", "running", None),
            ("root/inner/b", "running", {"lag": 3}),
        ]
    assert [child.state for child in seen[0].children[0].children] == ["running", "starting"]

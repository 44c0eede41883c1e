"""A service of another process is asked as one of this process, by way of a transport."""

import contextvars
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid5

import pytest
import trio
from attrs import define, field

from bitvault.actors.room import ask_below
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Failed, Unavailable
from bitvault.kernel.tracing import Cause, cause
from bitvault.manifest import Manifest
from bitvault.remote import Answering, Remote, codec_of
from supervisors import (
    Actor,
    ActorDied,
    AskTimeout,
    Flags,
    MailboxFull,
    NotRunning,
    Ref,
    Registry,
    actor,
    handles,
    run_tree,
    seconds_left,
    supervisor,
)
from tests.architecture.toyhouse.toy.contract import BreakToys, MakeToy
from tests.contracts.wire import Wire

NOBODY = UUID(int=0)
CALLER = Caller(Principal(NOBODY, NOBODY, "op", True, NOBODY), Origin("request-1"))  # type: ignore[arg-type]
elsewhere: contextvars.ContextVar[str] = contextvars.ContextVar("elsewhere", default="nothing")


@define(eq=False)
class Toys(Actor):
    """Makes toys of their names, at once or never; and says what it was asked in."""

    seen: list[Any] = field(factory=list)

    @handles(MakeToy)
    async def make(self, request: MakeToy) -> Any:
        """Make one, be stuck, die, or answer what nobody declared."""
        self.seen += [round(seconds_left(), 3), cause.get(), elsewhere.get()]
        if request.name == "stuck":
            await trio.sleep_forever()
        if request.name == "deadly":
            raise ZeroDivisionError
        return object() if request.name == "odd" else uuid5(NOBODY, request.name)


class NewerToys(Toys):
    """What the process that asks believes them to be."""

    @handles(BreakToys)
    async def break_toys(self, _: BreakToys) -> int:
        """Break none."""
        return 0


TOY = Manifest(package="tests.architecture.toyhouse.toy", actor=NewerToys)


@define(eq=False)
class Pair:
    """A process that has the toys, and one that has not."""

    toys: Toys
    near: Ref
    far: Ref
    wire: Wire


@asynccontextmanager
async def _running(capacity: int = 64, concurrency: int = 8) -> AsyncIterator[Pair]:
    near, far, toys, codec = Registry(), Registry(), Toys(), codec_of([TOY])
    async with trio.open_nursery() as nursery:
        wire = Wire(nursery, Answering({"toy"}, codec, far.ref))
        bounds = {"capacity": capacity, "concurrency": concurrency}
        there = actor("toy", lambda: toys, registry=far, **bounds)  # type: ignore[arg-type]
        here = actor("toy", lambda: Remote(TOY, codec, wire), registry=near)
        await nursery.start(run_tree, supervisor("far", Flags(), [there]))
        await nursery.start(run_tree, supervisor("near", Flags(), [here]))
        yield Pair(toys, near.ref("toy"), far.ref("toy"), wire)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Run two processes' worth of registries."""
    async with _running() as pair:
        yield pair


async def test_a_request_takes_its_deadline_its_cause_and_nothing_else_along(
    pair: Pair, autojump_clock: trio.testing.MockClock
) -> None:
    """Other context variables stay where they are, as they would in two processes."""
    given = Cause("request-7", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    cause.set(given)
    elsewhere.set("here")

    made = await pair.near.ask(MakeToy(CALLER, "bear"), timeout=7)

    assert made == uuid5(NOBODY, "bear")
    assert pair.toys.seen == [7.0, given, "nothing"]


async def test_an_ask_that_runs_out_of_time_does_so_everywhere(
    pair: Pair, autojump_clock: trio.testing.MockClock
) -> None:
    """At its own second, whether the other process is slow or the way is."""
    for slow in ("handler", "way"):
        pair.wire.seconds = 60 if slow == "way" else 0
        began = trio.current_time()
        with pytest.raises(AskTimeout):
            await pair.near.ask(MakeToy(CALLER, "stuck"), timeout=5)
        assert trio.current_time() - began == pytest.approx(5)
    assert len(pair.toys.seen) == 3


async def test_a_way_that_is_broken_is_unavailable(
    pair: Pair, autojump_clock: trio.testing.MockClock
) -> None:
    """The asker is told which service; once the way is mended all goes on."""
    pair.wire.is_cut = True
    assert await pair.near.ask(MakeToy(CALLER, "bear")) == Unavailable("toy")

    pair.wire.is_cut = False
    assert await pair.near.ask(MakeToy(CALLER, "bear")) == uuid5(NOBODY, "bear")


async def test_what_becomes_of_a_service_its_asker_learns_from_afar(
    pair: Pair, autojump_clock: trio.testing.MockClock
) -> None:
    """That it died is an error like one here; the one who asks on lives, and so does the rest."""
    with pytest.raises(ActorDied, match="ZeroDivisionError"):
        await pair.near.ask(MakeToy(CALLER, "deadly"))

    pair.wire.answering = Answering({"files"}, codec_of([TOY]), pair.far._registry.ref)
    with pytest.raises(NotRunning):
        await pair.near.ask(MakeToy(CALLER, "bear"))
    assert await ask_below(pair.near, MakeToy(CALLER, "bear"), "toy") == Unavailable("toy")


async def test_a_full_mailbox_is_full_from_afar(autojump_clock: trio.testing.MockClock) -> None:
    """Overload is a refusal in both processes."""
    async with _running(capacity=1, concurrency=1) as pair, trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(pair.near.ask, MakeToy(CALLER, "stuck"))
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(MailboxFull):
            await pair.near.ask(MakeToy(CALLER, "bear"))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("request_", [MakeToy(CALLER, "odd"), BreakToys(1)], ids=["reply", "ask"])
async def test_what_the_other_side_does_not_understand_fails_alone(
    pair: Pair, request_: Any, autojump_clock: trio.testing.MockClock
) -> None:
    """A reply that was not declared, and a request that an older process does not handle."""
    assert await pair.near.ask(request_) == Failed()
    assert await pair.near.ask(MakeToy(CALLER, "bear")) == uuid5(NOBODY, "bear")


@pytest.mark.parametrize(
    "edit",
    [
        lambda sent: sent[:-1], lambda _: b"", lambda _: b"\xff\xfe", lambda _: b"[" * 5000,
        lambda sent: sent.replace(b"make_toy", b"principal"),
        lambda sent: sent.replace(b'"bear"', b"7"),
    ],
    ids=["cut", "empty", "no-utf8", "deep", "no-request", "wrong-type"],
)  # fmt: skip
async def test_bytes_that_are_no_request_are_answered_and_change_nothing(
    pair: Pair, edit: Callable[[bytes], bytes], autojump_clock: trio.testing.MockClock
) -> None:
    """Whatever comes, the answer says that it was not understood; nobody is asked."""
    await pair.near.ask(MakeToy(CALLER, "bear"))
    asked = len(pair.toys.seen)

    answer = await pair.wire.answering.answer(edit(pair.wire.carried[0]))

    assert b'"fault":"not_understood"' in answer
    assert len(pair.toys.seen) == asked

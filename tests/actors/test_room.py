"""What the database does not take is one request's fault, and ends no room."""

from functools import partial
from typing import Any

import pytest
import structlog
import trio
from attrs import define, frozen

from bitvault.actors.room import Room, ask_below
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.refusal import Failed, Unavailable
from bitvault.kernel.request import Request
from supervisors import Flags, Registry, actor, handles, run_tree, supervisor

_SAY = Query("say", "SELECT $1::text AS said", ("text",))
_TWICE = Query("twice", "INSERT INTO twice VALUES ($1), ($1)", ("text",))


@frozen
class Say(Request[str, Failed]):
    """Say something, once told to go on."""

    text: str
    query: Query = _SAY
    go: trio.Event | None = None


@define(eq=False)
class Parrot(Room):
    """Says what it is told, by way of the database."""

    database: PostgresDatabase

    @handles(Say)
    async def say(self, request: Say) -> str:
        """Say it."""

        async def work(tx: Transaction) -> Any:
            return await tx.fetchrow(request.query, text=request.text)

        if request.go is not None:
            await request.go.wait()
        row = await self.database.read(None, work)
        return str(row["said"])


@pytest.mark.requirement("X61")
async def test_a_value_that_the_database_does_not_take_ends_nobody_elses_request(
    database: PostgresDatabase,
) -> None:
    """The asker is told that the server failed; what is in hand beside it goes on."""
    registry, stop, go, told = Registry(), trio.Event(), trio.Event(), list[Any]()
    room = actor("parrot", lambda: Parrot(database), registry=registry, capacity=8, concurrency=8)

    async def patient() -> None:
        told.append(await registry.ref("parrot").ask(Say("hello", go=go)))

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            root = supervisor("root", Flags(), [room])
            await nursery.start(partial(run_tree, root, stop=stop))
            nursery.start_soon(patient)
            await trio.testing.wait_all_tasks_blocked()
            with structlog.testing.capture_logs() as logs:
                assert await registry.ref("parrot").ask(Say("a\0canary")) == Failed()
            refused = await ask_below(registry.ref("parrot"), Say("\ud800"), "parrot")
            assert refused == Unavailable("parrot")
            go.set()
            assert await registry.ref("parrot").ask(Say("again")) == "again"
            stop.set()
    assert told == ["hello"]
    assert [(one["event"], one["request"]) for one in logs] == [("request failed", "Say")]
    assert "canary" not in repr(logs)


async def test_a_row_that_breaks_a_constraint_is_named_without_its_values(
    database: PostgresDatabase,
) -> None:
    """The log has the statement and the constraint, and nothing of what was to be written."""
    room = Parrot(database)
    make = Query("make", "CREATE TEMP TABLE twice (t text CONSTRAINT once UNIQUE)", ())

    async def work(tx: Transaction) -> None:
        await tx.execute(make)
        await tx.execute(_TWICE, text="canary")

    with pytest.raises(Exception, match="twice: UniqueViolationError once") as raised:
        await database.transact(None, work)
    assert "canary" not in "".join(map(str, (raised.value, raised.value.__cause__)))
    assert await room.handle(Say("still here")) == "still here"

"""What travels in front of a statement; and the private names that the wire leans on."""

import asyncio  # noqa: TID251 - the border under test
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
import trio
import trio.testing

from bitvault.drivers import aio
from bitvault.drivers.postgres import wire
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.drivers.postgres.wire import Wire, ahead_in_one, ahead_of_its_own
from bitvault.kernel.refusal import StatementFailed
from tests.drivers.probe import (
    ADD,
    ARRAY,
    ECHO,
    NOTES,
    ONE,
    OTHER,
    SLEEP,
    WHO,
    as_owner,
    echoed,
    value_of,
)
from tests.support.postgres import PostgresServer, opened


class TestAhead:
    """BEGIN and SET in front of the first statement."""

    @pytest.fixture
    async def connected(self, notes: PostgresDatabase) -> Wire:
        """Return the wire of an idle session."""
        await echoed(notes, "warm")
        return notes.sessions.idle[-1].wire

    @pytest.mark.parametrize("form", [ahead_in_one, ahead_of_its_own])
    @pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "new"])
    async def test_an_error_in_it_is_the_statements(
        self,
        form: Callable[..., wire.Ahead],
        is_cached: bool,  # noqa: FBT001 - a case
        connected: Wire,
    ) -> None:
        """The caller gets the error of what went ahead, and the session is of no more use."""
        fetch = connected.connection.fetch
        if is_cached:
            await connected.run(None, fetch, "SELECT 5 AS five")
        with pytest.raises(asyncpg.InvalidParameterValueError, match="nobody"):
            await connected.run(form(("SET ROLE nobody",)), fetch, "SELECT 5 AS five")
        assert connected.refused
        assert not connected.in_force

    @pytest.mark.parametrize("form", [ahead_in_one, ahead_of_its_own])
    async def test_what_is_said_beside_its_answer_is_heard(
        self, form: Callable[..., wire.Ahead], connected: Wire
    ) -> None:
        """The answer is dropped, but not the settings that it changed."""
        ahead = form(("SET application_name = 'told'", "SET bitvault.tenant = ''"))
        (row,) = await connected.run(ahead, connected.connection.fetch, "SELECT 5 AS five")
        assert row["five"] == 5
        assert connected.in_force
        assert connected.connection.get_settings().application_name == "told"

    @pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "new"])
    async def test_without_its_transaction_a_statement_does_not_run(
        self,
        is_cached: bool,  # noqa: FBT001 - a case
        connected: Wire,
        notes: PostgresDatabase,
    ) -> None:
        """A BEGIN that fails takes what was sent behind it with it."""
        if is_cached:
            await notes.transact(None, lambda tx: tx.execute(ADD, id=1))
        ahead = ahead_in_one(("BEGIN ISOLATION LEVEL SOMEHOW", "SET LOCAL ROLE bitvault_app"))
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connected.run(ahead, connected.connection.execute, ADD.sql, 2)
        rows = await as_owner(notes.sessions.dsn, "SELECT id FROM probe.note")
        assert rows == ([{"id": 1}] if is_cached else [])

    @pytest.mark.parametrize("is_read", [True, False], ids=["read", "transact"])
    async def test_an_error_in_it_ends_the_session(
        self,
        is_read: bool,  # noqa: FBT001 - a case
        migrated_server: PostgresServer,
        database_dsn: str,
    ) -> None:
        """An account that may not be the pool's role is told so, and its session is not kept."""
        migrated_server.run("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
        dsn = database_dsn.rpartition("user=")[0] + "user=stranger"
        async with opened(dsn) as database:
            run = database.read if is_read else database.transact
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="set role"):
                await run(ONE, lambda tx: value_of(tx, ECHO, value="no"))
            assert (database.statistics().idle, database.statistics().in_use) == (0, 0)

    async def test_a_statement_that_was_never_sent_takes_nothing_along(
        self, notes: PostgresDatabase
    ) -> None:
        """BEGIN and the tenant are still said when work goes on after a wrong argument."""
        await notes.read(OTHER, lambda tx: value_of(tx, ARRAY, value=[1]))

        async def work(tx: Transaction) -> str:
            with pytest.raises(StatementFailed):
                await tx.fetchrow(ARRAY, value="x")
            return str(await value_of(tx, WHO))

        async def failing(tx: Transaction) -> None:
            with pytest.raises(StatementFailed):
                await tx.fetchrow(ARRAY, value="x")
            await tx.execute(ADD, id=7)
            raise LookupError

        for _ in range(2):
            assert await notes.read(ONE, work) == f"bitvault_app {ONE}"
            assert await notes.transact(OTHER, work) == f"bitvault_app {OTHER}"
        with pytest.raises(LookupError):
            await notes.transact(ONE, failing)
        assert await as_owner(notes.sessions.dsn, "SELECT id FROM probe.note") == []
        assert notes.statistics().idle == 1

    async def test_a_failed_statement_leaves_the_reader_who_it_is(
        self, notes: PostgresDatabase
    ) -> None:
        """What was said before a statement of a reader's is in force even if that one fails."""
        await echoed(notes, "warm", OTHER)

        async def work(tx: Transaction) -> str:
            with pytest.raises(StatementFailed):
                await tx.fetchrow(_NONSENSE)
            return str(await value_of(tx, WHO))

        assert await notes.read(ONE, work) == f"bitvault_app {ONE}"

    async def test_a_changed_table_is_read_again_by_the_same_reader(
        self, notes: PostgresDatabase
    ) -> None:
        """A statement on a table that has changed is prepared again, and sees the same rows."""
        await notes.transact(ONE, lambda tx: tx.execute(ADD, id=1))
        await notes.read(None, lambda tx: tx.fetch(NOTES))
        await as_owner(notes.sessions.dsn, "ALTER TABLE probe.note ADD COLUMN more int DEFAULT 3")
        (row,) = await notes.read(ONE, lambda tx: tx.fetch(NOTES))
        assert dict(row) == {"id": 1, "more": 3, "whose": "bitvault_app"}
        assert notes.statistics().idle == 1

    async def test_a_changed_table_fails_a_transaction_once(self, notes: PostgresDatabase) -> None:
        """Inside a transaction nothing can be repeated; the next one prepares it again."""
        await notes.transact(ONE, lambda tx: tx.execute(ADD, id=1))
        await notes.transact(ONE, lambda tx: tx.fetch(NOTES))
        await as_owner(notes.sessions.dsn, "ALTER TABLE probe.note ADD COLUMN more int DEFAULT 3")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            await notes.transact(ONE, lambda tx: tx.fetch(NOTES))
        (row,) = await notes.transact(ONE, lambda tx: tx.fetch(NOTES))
        assert dict(row) == {"id": 1, "more": 3, "whose": "bitvault_app"}


_NONSENSE = Query("nonsense", "SELECT 'x'::text::int AS value", ())


class TestLeaningOn:
    """What ``wire.py`` uses and nobody promises: an upgrade that moves it fails here, by name."""

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (asyncpg.Connection, "_transport"),
            (asyncio.Transport, "write"), (asyncio.Transport, "abort"),
            (asyncio.Transport, "pause_reading"), (asyncio.Transport, "resume_reading"),
            (asyncio.Transport, "get_protocol"), (asyncio.Transport, "set_protocol"),
            (asyncio.Transport, "get_write_buffer_size"),
        ],
        ids=lambda part: getattr(part, "__qualname__", part),
    )  # fmt: skip
    def test_a_name_is_there(self, owner: type, name: str) -> None:
        """Each is still called so."""
        assert hasattr(owner, name), f"{owner.__qualname__}.{name} has moved: see wire.py"

    async def test_asyncpg_waits_for_futures_of_its_loop_alone(self, database_dsn: str) -> None:
        """Each step of a statement yields one future, made by the loop's ``create_future``."""
        async with aio.open_loop() as loop:
            connection = await aio.call(asyncpg.connect, database_dsn)
            loop.is_driven = True
            answer = connection.fetch("SELECT 1 AS one").send(None)
            loop.is_driven = False
            assert isinstance(answer, asyncio.Future)
            assert answer.get_loop() is not loop
            assert not answer.done()
            connection.terminate()
            assert isinstance(answer.exception(), asyncpg.ConnectionDoesNotExistError)

    async def test_a_statement_costs_the_loop_nothing(self, notes: PostgresDatabase) -> None:
        """No task is made and nothing is called soon; nor after one that was left to the loop."""
        await echoed(notes, "warm", ONE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(notes.read, ONE, lambda tx: tx.execute(SLEEP, seconds=60))
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
        await echoed(notes, "by the loop", ONE)
        steps: list[Callable[..., Any]] = []
        loop = asyncio.get_running_loop()
        call_soon: Callable[..., Any] = loop.call_soon

        def counted(callback: Callable[..., Any], *args: Any, **options: Any) -> Any:
            steps.append(callback)
            return call_soon(callback, *args, **options)

        loop.call_soon = counted  # type: ignore[method-assign]
        for _ in range(3):
            await notes.transact(ONE, lambda tx: value_of(tx, ECHO, value="x"))
            await echoed(notes, "y", ONE)
        assert notes.statistics().idle == 1
        assert steps == []
        assert asyncio.all_tasks(loop) == set()

"""The transaction contract, against a real PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import trio

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.kernel import moments
from bitvault.kernel.refusal import DependencyDown, StatementFailed
from bitvault.kernel.timing import Spent, spent
from tests.support.postgres import PostgresServer, opened, unchanged

_MAKE = """
    CREATE SCHEMA probe; CREATE TABLE probe.note (id int PRIMARY KEY, v int);
    GRANT ALL ON SCHEMA probe TO bitvault_app, bitvault_system;
    GRANT ALL ON probe.note TO bitvault_app, bitvault_system;
"""
_ADD = Query("add", "INSERT INTO probe.note VALUES ($1, $2)", ("id", "v"))
_BUMP = Query("bump", "UPDATE probe.note SET v = v + 1 WHERE id = $1", ("id",))
_ALL = Query("all", "SELECT id, v FROM probe.note ORDER BY id", ())
_ECHO = Query("echo", "SELECT $1::jsonb AS value", ("value",))
_TIMES = Query("times", "SELECT $1::timestamptz AS one, $2::timestamptz[] AS more", ("one", "more"))
_FAR = Query(
    "far",
    "SELECT '-infinity'::timestamptz AS a, 'infinity'::timestamptz AS b, "
    "'4713-01-01 BC'::timestamptz AS c, ARRAY['294276-12-31'::timestamptz] AS d",
    (),
)
_ARRAY = Query("array", "SELECT $1::int[] AS value", ("value",))
_PID = Query("pid", "SELECT pg_backend_pid() AS pid", ())
_KILL = "SELECT pg_terminate_backend($1, 5000)"
_SLEEP = Query("sleep", "SELECT pg_sleep($1)", ("seconds",))
_TENANT = Query("tenant", "SELECT current_setting('bitvault.tenant', true) AS tenant", ())


@pytest.fixture
async def notes(database: PostgresDatabase) -> PostgresDatabase:
    """Return a database with one table and one row (1, 0)."""
    await as_owner(database, _MAKE)
    await execute(database, _ADD, id=1, v=0)
    return database


async def as_owner(database: PostgresDatabase, sql: str, *arguments: object) -> None:
    """Do what the pool's roles may not."""
    owner = await aio.call(asyncpg.connect, database.sessions.dsn)
    await aio.call(owner.execute, sql, *arguments)
    await aio.call(owner.close)


async def execute(database: PostgresDatabase, query: Query, **parameters: Any) -> int:
    """Run one statement in its own transaction."""
    return await database.transact(None, lambda tx: tx.execute(query, **parameters))


async def rows(database: PostgresDatabase) -> list[tuple[int, int]]:
    """Return the table."""
    found = await database.read(None, lambda tx: tx.fetch(_ALL))
    return [(row["id"], row["v"]) for row in found]


async def test_work_is_committed_and_its_result_returned(notes: PostgresDatabase) -> None:
    """What work wrote is there afterwards, and execute counts rows."""
    assert await execute(notes, _ADD, id=2, v=5) == 1
    assert await execute(notes, _BUMP, id=99) == 0
    assert await rows(notes) == [(1, 0), (2, 5)]


@pytest.mark.parametrize("moment", [moments.FIRST, moments.LAST, datetime(2026, 1, 31, tzinfo=UTC)])
async def test_a_time_comes_back_as_it_was_written(
    database: PostgresDatabase, moment: datetime
) -> None:
    """With its zone, to the microsecond, alone and in an array, at both ends too."""
    said = {"one": moment, "more": [moment, None]}
    row = await database.read(None, lambda tx: tx.fetchrow(_TIMES, **said))
    assert row is not None
    assert (row["one"], row["more"]) == (moment, [moment, None])
    assert row["one"].tzinfo == UTC


async def test_a_time_that_no_part_can_hold_is_read_as_the_nearest_one(
    database: PostgresDatabase,
) -> None:
    """One such row, whoever wrote it, does not fail the list that it is in."""
    row = await database.read(None, lambda tx: tx.fetchrow(_FAR))
    assert row is not None
    assert dict(row) == {
        "a": moments.FIRST,
        "b": moments.LAST,
        "c": moments.FIRST,
        "d": [moments.LAST],
    }
    assert {row[name].tzinfo for name in "abc"} == {UTC}


async def test_any_exception_rolls_back(notes: PostgresDatabase) -> None:
    """Work that raises leaves no trace, and no notice goes out."""
    noticed: list[bool] = []

    async def work(tx: Transaction) -> None:
        tx.after_commit(lambda: noticed.append(True))
        await tx.execute(_BUMP, id=1)
        raise LookupError("no")

    async with unchanged(notes, "probe"):
        with pytest.raises(LookupError):
            await notes.transact(None, work)
    assert noticed == []


async def test_unchanged_sees_a_change(notes: PostgresDatabase) -> None:
    """The proof that refusals change nothing does notice a change."""
    with pytest.raises(AssertionError, match=r"probe\.note"):
        async with unchanged(notes, "probe"):
            await execute(notes, _BUMP, id=1)


async def test_notices_go_out_after_the_commit(notes: PostgresDatabase) -> None:
    """after_commit runs once, when the row can be seen."""
    noticed: list[int] = []

    async def work(tx: Transaction) -> None:
        tx.after_commit(lambda: noticed.append(notes.statistics().transactions))
        await tx.execute(_BUMP, id=1)

    before = notes.statistics().transactions
    await notes.transact(None, work)
    assert noticed == [before + 1]


async def test_swallowing_a_failed_statement_is_an_error(notes: PostgresDatabase) -> None:
    """PostgreSQL turns such a COMMIT into ROLLBACK; that must not look like success."""

    async def work(tx: Transaction) -> None:
        with pytest.raises(StatementFailed, match="UniqueViolationError"):
            await tx.execute(_ADD, id=1, v=1)

    with pytest.raises(RuntimeError, match="nothing was written"):
        await notes.transact(None, work)


@pytest.mark.parametrize("value", [{"a": [1, None, "ü"]}, [1, 2], "text", 3, None, True])
async def test_jsonb_travels_as_python_values(database: PostgresDatabase, value: object) -> None:
    """A dict or list needs no encoding by the room."""
    row = await database.read(None, lambda tx: tx.fetchrow(_ECHO, value=value))
    assert row is not None
    assert row["value"] == value


async def test_arrays_travel_natively(database: PostgresDatabase) -> None:
    """A list fills an array parameter."""
    row = await database.read(None, lambda tx: tx.fetchrow(_ARRAY, value=[1, 2]))
    assert row is not None
    assert row["value"] == [1, 2]


@pytest.mark.requirement("X21")
async def test_the_tenant_is_known_to_the_transaction_only(
    database: PostgresDatabase, ids: Any
) -> None:
    """Policies can read bitvault.tenant; the next transaction on the session cannot."""
    tenant = ids.uuid7()
    inside = await database.transact(tenant, lambda tx: tx.fetchrow(_TENANT))
    after = await database.transact(None, lambda tx: tx.fetchrow(_TENANT))
    assert inside is not None
    assert inside["tenant"] == str(tenant)
    assert after is not None
    assert not after["tenant"]


async def test_a_deadlock_is_run_again(notes: PostgresDatabase) -> None:
    """Two transactions that lock in opposite order both succeed in the end."""
    await execute(notes, _ADD, id=2, v=0)
    first = {1: trio.Event(), 2: trio.Event()}

    async def cross(mine: int, other: int) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute(_BUMP, id=mine)
            first[mine].set()
            await first[other].wait()
            await tx.execute(_BUMP, id=other)

        await notes.transact(None, work)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cross, 1, 2)
        nursery.start_soon(cross, 2, 1)
    assert await rows(notes) == [(1, 2), (2, 2)]
    assert notes.statistics().retries == 1


async def test_retries_are_bounded(notes: PostgresDatabase) -> None:
    """Work that always conflicts gives up after the allowed attempts."""
    attempts: list[int] = []

    async def work(tx: Transaction) -> None:
        attempts.append(1)
        raise asyncpg.SerializationError("again")

    with pytest.raises(DependencyDown, match="SerializationError"):
        await notes.transact(None, work)
    assert len(attempts) == notes.limits.attempts


@pytest.mark.requirement("X21")
async def test_a_cancelled_transaction_leaves_the_session_clean(notes: PostgresDatabase) -> None:
    """Cancelled inside a statement, it is rolled back and its session serves again."""

    async def work(tx: Transaction) -> None:
        await tx.execute(_BUMP, id=1)
        scope.cancel()
        await tx.execute(_SLEEP, seconds=60)

    with trio.CancelScope() as scope:
        await notes.transact(None, work)
    assert scope.cancelled_caught
    assert await rows(notes) == [(1, 0)]
    assert notes.statistics().in_use == 0
    assert await execute(notes, _BUMP, id=1) == 1


async def test_a_commit_cannot_be_cancelled(notes: PostgresDatabase) -> None:
    """A handler cancelled once its work is done still commits it whole."""
    with trio.CancelScope() as scope:

        async def work(tx: Transaction) -> None:
            await tx.execute(_BUMP, id=1)
            scope.cancel()

        await notes.transact(None, work)
    assert await rows(notes) == [(1, 1)]


async def test_a_backend_killed_before_commit_is_run_again_on_another(
    notes: PostgresDatabase,
) -> None:
    """A pooled session that dies before COMMIT costs a retry, not an error."""
    pids: list[int] = []

    async def work(tx: Transaction) -> None:
        row = await tx.fetchrow(_PID)
        assert row is not None
        pids.append(row["pid"])
        if len(pids) == 1:
            await as_owner(notes, _KILL, pids[0])
        await tx.execute(_BUMP, id=1)

    await notes.transact(None, work)
    assert len(pids) == 2
    assert await rows(notes) == [(1, 1)]


async def test_a_commit_without_an_answer_is_unknown(notes: PostgresDatabase) -> None:
    """The backend dies before COMMIT is answered: the caller is told that nobody knows."""

    async def work(tx: Transaction) -> None:
        row = await tx.fetchrow(_PID)
        assert row is not None
        await tx.execute(_BUMP, id=1)
        await as_owner(notes, _KILL, row["pid"])

    with pytest.raises(DependencyDown) as caught:
        await notes.transact(None, work)
    assert caught.value.unknown
    assert caught.value.dependency == "postgresql"


async def test_no_free_connection_is_a_refusal_in_time(database_dsn: str) -> None:
    """A full pool says so after its deadline instead of hanging."""
    async with opened(database_dsn, Limits(size=1, acquire=0.05)) as database:

        async def work(tx: Transaction) -> None:
            await database.read(None, lambda inner: inner.fetchrow(_PID))

        with pytest.raises(DependencyDown, match=r"no connection free within 0\.05 s"):
            await database.transact(None, work)
        assert database.statistics().in_use == 0


async def test_a_statement_that_takes_too_long_is_ended(database_dsn: str) -> None:
    """statement_timeout is a dependency that does not answer, not a defect."""
    async with opened(database_dsn, Limits(size=1, statement=0.05)) as database:
        with pytest.raises(DependencyDown) as caught:
            await database.transact(None, lambda tx: tx.execute(_SLEEP, seconds=60))
        assert not caught.value.unknown
        assert await database.read(None, lambda tx: tx.fetchrow(_PID))


async def test_no_server_is_a_dependency_down(migrated_server: PostgresServer) -> None:
    """A socket that nobody listens on is reported at once."""
    async with opened("postgresql:///x?host=/nonexistent&user=x") as database:
        with pytest.raises(DependencyDown):
            await database.read(None, lambda tx: tx.fetchrow(_PID))


async def test_a_wrong_argument_is_a_defect(database: PostgresDatabase) -> None:
    """A value of the wrong type is not blamed on the server."""
    with pytest.raises(StatementFailed, match="array: DataError"):
        await database.read(None, lambda tx: tx.fetchrow(_ARRAY, value="x"))


async def test_the_time_spent_is_counted(database: PostgresDatabase) -> None:
    """The access log can say what a request cost: the statement and its COMMIT."""
    request = Spent()
    spent.set(request)
    await database.transact(None, lambda tx: tx.fetchrow(_PID))
    assert request.database_statements == 2
    assert request.database_seconds > 0


async def test_an_error_is_not_its_own_cause(database: PostgresDatabase) -> None:
    """Whoever follows causes would never come to an end."""
    with pytest.raises(asyncpg.UndefinedTableError) as raised:
        await database.read(None, lambda tx: tx.fetchrow(Query("none", "SELECT FROM nowhere", ())))
    assert raised.value.__cause__ is None

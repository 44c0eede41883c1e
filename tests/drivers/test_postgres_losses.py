"""Sessions that end at every point of a transaction: 503 and again, or unknown, never a defect."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import trio
import trio.testing

from bitvault.drivers.postgres.faults import is_down
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.kernel.refusal import DependencyDown
from tests.drivers.relay import Relay
from tests.support.postgres import opened

_ONE = Query("one", "SELECT 1 AS one", ())
_WIDE = Query("wide", "SELECT repeat('x', 100000) AS x FROM generate_series(1, 20)", ())
_LAST_WORDS = b"SFATAL\0VFATAL\0C57P02\0Mterminating connection because of a crash\0\0"
_GOODBYE = b"E" + (len(_LAST_WORDS) + 4).to_bytes(4, "big") + _LAST_WORDS
_PATIENCE = Limits(size=2, connect=1.0, statement=1.0, finish=0.5, attempts=2)


class Line(Relay):
    """A wire to the server that passes on so many of its bytes and is then cut, or goes dead."""

    def __init__(self, socket: Path, dsn: str) -> None:
        super().__init__(dsn.split("host=")[1].split("&", maxsplit=1)[0])
        self.path = str(socket / ".s.PGSQL.5432")
        self.dsn = dsn.replace(self.server, str(socket))
        self.passes: int | None = None
        self.goes_dead = False

    def fail(self, after: int = 0, *, dead: bool = False) -> None:
        """Pass on ``after`` more bytes of what the server says."""
        self.passes, self.goes_dead = after, dead

    async def run(self, task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC128 - serve_listeners does
        """Listen where the server would."""
        listener = trio.socket.socket(trio.socket.AF_UNIX)
        await listener.bind(self.path)
        listener.listen()
        await trio.serve_listeners(
            self.serve, [trio.SocketListener(listener)], task_status=task_status
        )

    def downwards(self, chunk: bytes) -> bytes:
        """Return what is to be passed on still."""
        if self.passes is None:
            return chunk
        kept = chunk[: self.passes]
        self.passes -= len(kept)
        return kept

    def is_cut(self) -> bool:
        """Return whether all has been passed on that was to be."""
        return self.passes == 0 and not self.goes_dead


@pytest.fixture
async def line(database_dsn: str, tmp_path: Path, nursery: trio.Nursery) -> Line:
    """Have a wire to a database that can be cut."""
    line = Line(tmp_path, database_dsn)
    await nursery.start(line.run)
    return line


@asynccontextmanager
async def wired(line: Line, limits: Limits = _PATIENCE) -> AsyncIterator[PostgresDatabase]:
    """Open a database at the other end of the wire, with a session that has never been used."""
    async with opened(line.dsn, limits) as database:
        yield database


@pytest.mark.parametrize("dead", [False, True], ids=["cut", "dead"])
@pytest.mark.parametrize("after", [0, 1, 5, 7, 40, 100_000])
async def test_a_session_that_ends_inside_an_answer(line: Line, after: int, dead: bool) -> None:  # noqa: FBT001 - a case
    """However much of it came: the transaction did not happen, and may be tried again."""

    async def work(tx: Transaction) -> None:
        await tx.fetch(_ONE)
        line.fail(after, dead=dead)
        await tx.fetch(_WIDE)

    async with wired(line) as database:
        with pytest.raises(DependencyDown) as caught:
            await database.transact(None, work)
        assert not caught.value.unknown
        assert database.statistics().in_use == 0


@pytest.mark.parametrize("is_over", [False, True], ids=["inside", "commit"])
async def test_a_server_that_says_goodbye_unasked(line: Line, is_over: bool) -> None:  # noqa: FBT001 - a case
    """Between two statements the last words of a backend are taken for no answer to the next."""

    async def work(tx: Transaction) -> None:
        await tx.fetch(_ONE)
        line.fail(0, dead=True)
        await trio.testing.wait_all_tasks_blocked()  # the wire may still be passing on the answer
        await line.clients[-1].send_all(_GOODBYE)
        await trio.testing.wait_all_tasks_blocked()
        if not is_over:
            await tx.fetch(_ONE)

    async with wired(line) as database:
        with pytest.raises(DependencyDown) as caught:
            await database.transact(None, work)
        assert caught.value.unknown is is_over
        assert database.statistics().in_use == 0


@pytest.mark.parametrize("dead", [False, True], ids=["cut", "dead"])
@pytest.mark.parametrize("after", [0, 1, 5, 8])
async def test_a_session_that_ends_at_commit(line: Line, after: int, dead: bool) -> None:  # noqa: FBT001 - a case
    """Nobody knows whether it was committed until the whole answer is here, and that is said."""

    async def work(tx: Transaction) -> None:
        await tx.fetch(_ONE)
        line.fail(after, dead=dead)

    async with wired(line) as database:
        with pytest.raises(DependencyDown) as caught:
            await database.transact(None, work)
        assert caught.value.unknown
        assert database.statistics().in_use == 0


@pytest.mark.parametrize("dead", [False, True], ids=["cut", "dead"])
@pytest.mark.parametrize("after", [0, 1, 5, 30, 330])
async def test_a_session_that_ends_while_it_opens(line: Line, after: int, dead: bool) -> None:  # noqa: FBT001 - a case
    """A greeting that stops short is a server that does not answer."""
    line.fail(after, dead=dead)
    async with wired(line) as database:
        with pytest.raises(DependencyDown):
            await database.read(None, lambda tx: tx.fetch(_ONE))
        assert database.statistics().in_use == 0


async def test_what_the_work_raises_is_raised(line: Line) -> None:
    """A ROLLBACK that cannot be sent does not hide why it was wanted."""

    async def work(tx: Transaction) -> None:
        await tx.fetch(_ONE)
        line.fail(5)
        raise LookupError("the work's own")

    async with wired(line) as database:
        with pytest.raises(LookupError, match="the work's own"):
            await database.transact(None, work)
        assert database.statistics().in_use == 0


@pytest.mark.parametrize(
    "error",
    [
        OSError(), ConnectionResetError(), TimeoutError(), ssl.SSLError(), EOFError(),
        asyncpg.InternalClientError("cannot switch to state 12"),
        asyncpg.ConnectionDoesNotExistError(), asyncpg.ProtocolViolationError(),
        asyncpg.AdminShutdownError(), asyncpg.CrashShutdownError(),
        asyncpg.CannotConnectNowError(), asyncpg.DatabaseDroppedError(),
        asyncpg.IdleSessionTimeoutError(), asyncpg.TransactionTimeoutError(),
        asyncpg.IdleInTransactionSessionTimeoutError(), asyncpg.QueryCanceledError(),
        asyncpg.LockNotAvailableError(), asyncpg.ReadOnlySQLTransactionError(),
        asyncpg.TooManyConnectionsError(), asyncpg.DiskFullError(), asyncpg.OutOfMemoryError(),
        asyncpg.PostgresIOError(), asyncpg.StatementCompletionUnknownError(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_says_that_the_server_cannot_answer(error: Exception) -> None:
    """Each of these is somebody else's failure, to be tried again."""
    assert is_down(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UndefinedTableError(), asyncpg.PostgresSyntaxError(),
        asyncpg.UniqueViolationError(),
        asyncpg.InFailedSQLTransactionError(), asyncpg.InterfaceError("busy"), LookupError(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_is_a_defect_of_ours(error: Exception) -> None:
    """A wrong statement is not blamed on the server."""
    assert not is_down(error)

"""A database that counts its statements, and the rows that each of them looks at."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from attrs import define, field

from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.kernel.ids import TenantId

T = TypeVar("T")
_FETCHED = Query(
    "fetched",
    """SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint AS rows
         FROM pg_stat_xact_user_tables WHERE schemaname IN ('files', 'sharing')""",
    (),
)


@define(eq=False)
class Counting:
    """A transaction that counts the rows each statement looks at."""

    inner: Transaction
    most: dict[str, int]
    runs: Counter[str]

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        """Run and count."""
        return await self._counted(query, self.inner.fetch(query, **parameters))

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        """Run and count."""
        return await self._counted(query, self.inner.fetchrow(query, **parameters))

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Run and count."""
        return await self._counted(query, self.inner.execute(query, **parameters))

    def after_commit(self, notify: Callable[[], None]) -> None:
        """Pass it on."""
        self.inner.after_commit(notify)

    async def _counted(self, query: Query, statement: Awaitable[T]) -> T:
        before = await self._fetched()
        answer = await statement
        rows = await self._fetched() - before
        self.most[query.name] = max(rows, self.most.get(query.name, 0))
        self.runs[query.name] += 1
        return answer

    async def _fetched(self) -> int:
        row = await self.inner.fetchrow(_FETCHED)
        assert row is not None
        return int(row["rows"])


@define(eq=False)
class CountingDatabase:
    """A database whose transactions count; a read counts in a transaction too."""

    inner: PostgresDatabase
    most: dict[str, int] = field(factory=dict)
    """The most rows of the room's tables that one run of a statement looked at, by its name."""
    runs: Counter[str] = field(factory=Counter)
    """How often each statement ran."""

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Run it and count."""
        return await self.inner.transact(
            tenant, lambda tx: work(Counting(tx, self.most, self.runs))
        )

    read = transact

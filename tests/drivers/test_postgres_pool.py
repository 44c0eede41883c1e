"""The transaction contract, against a real PostgreSQL."""

from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction

_ONE = Query("one", "SELECT $1::int AS value", ("value",))


async def test_a_value_goes_there_and_comes_back(database: PostgresDatabase) -> None:
    """A transaction returns what its work returns."""

    async def work(tx: Transaction) -> int:
        row = await tx.fetchrow(_ONE, value=7)
        assert row is not None
        return int(row["value"])

    assert await database.transact(None, work) == 7

"""What the tests of sessions have in common."""

import asyncpg
import pytest

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from tests.drivers.probe import MAKE


@pytest.fixture
async def notes(database: PostgresDatabase) -> PostgresDatabase:
    """Return a database with an empty table and a function that says more than it is asked."""
    owner = await aio.call(asyncpg.connect, database.sessions.dsn)
    await aio.call(owner.execute, MAKE)
    await aio.call(owner.close)
    return database

"""Fixtures for everybody: a real PostgreSQL, and time and ids that a test owns."""

import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from bitvault.drivers.postgres.pool import PostgresDatabase
from tests.support import logs
from tests.support.determinism import FixedClock, SequenceIds
from tests.support.object_store import ObjectStoreServer, running_object_store
from tests.support.postgres import PostgresServer, make_template, opened, running_server

logs.configure()
_OBJECTS = 20_000


def pytest_collection_finish() -> None:
    """Leave the thousands of collected tests out of each collection of garbage from here on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 20)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one server for this worker."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_server(postgres_server: PostgresServer) -> PostgresServer:
    """Have the template with every room's tables on the server."""
    make_template(postgres_server)
    return postgres_server


@pytest.fixture
def database_dsn(migrated_server: PostgresServer) -> Iterator[str]:
    """Clone a fresh migrated database for one test."""
    name = migrated_server.clone()
    yield migrated_server.dsn(name)
    migrated_server.drop(name)


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[PostgresDatabase]:
    """Open the test's own database within its Trio run, with the asyncio loop around it."""
    async with opened(database_dsn) as database:
        yield database


@pytest.fixture(scope="session")
def object_store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreServer]:
    """Run the real object store, with an empty bucket ``test``, for this worker."""
    with running_object_store(tmp_path_factory.mktemp("objectd")) as server:
        yield server


@pytest.fixture
def clock() -> FixedClock:
    """Return a clock that stands still at 2030-01-01."""
    return FixedClock()


@pytest.fixture
def ids() -> SequenceIds:
    """Return seeded ids."""
    return SequenceIds()

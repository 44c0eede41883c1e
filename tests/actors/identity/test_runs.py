"""What operators have run by hand is in their trail, once."""

from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import Authenticate, RecordRun, SecretIssued
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.principal import Caller, Idempotency, Origin
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict
from tests.support.determinism import FixedClock

ORIGIN = Origin("r", "192.0.2.1", "pytest")
JOB, OTHER = UUID(int=7), UUID(int=8)
_EVENTS = """
    SELECT kind, aggregate_id, user_id, payload->>'name' AS name FROM outbox.event
    WHERE kind LIKE 'job.%' ORDER BY seq
"""


async def events(database: PostgresDatabase) -> list[dict[str, Any]]:
    """Return what the trail will say of jobs."""

    async def work(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in await tx.fetch(Query("events", _EVENTS, ()))]

    return await database.read(None, work)


@pytest.fixture
async def operator(identity: Identity, session: SecretIssued) -> Caller:
    """Be an operator, with a key."""
    principal = await identity.handle(Authenticate(session.token, ORIGIN))
    return Caller(evolve(principal, is_operator=True), ORIGIN, Idempotency("k-1", b"x"))


async def test_a_run_is_recorded_once_under_a_key(
    identity: Identity, operator: Caller, database: PostgresDatabase
) -> None:
    """Who did it, and which; without a key each is one of its own."""
    assert await identity.handle(RecordRun(operator, JOB, "collect")) is True
    assert await identity.handle(RecordRun(operator, JOB, "collect")) is False
    user = operator.principal.user_id
    one = {"kind": "job.started", "aggregate_id": JOB, "user_id": user, "name": "collect"}
    assert await events(database) == [one]

    keyless = evolve(operator, idempotency=None)
    assert await identity.handle(RecordRun(keyless, JOB, "collect")) is True
    assert await events(database) == [one, one]


async def test_a_key_of_another_job_is_refused(
    identity: Identity, operator: Caller, database: PostgresDatabase
) -> None:
    """And nothing more is recorded."""
    await identity.handle(RecordRun(operator, JOB, "collect"))
    refused = await identity.handle(RecordRun(operator, OTHER, "purge"))
    assert refused == IdempotencyConflict()
    assert len(await events(database)) == 1


async def test_an_admin_of_a_tenant_runs_nothing(
    identity: Identity, operator: Caller, database: PostgresDatabase
) -> None:
    """The room of the operators looks for itself, whoever asks it."""
    admin = evolve(operator, principal=evolve(operator.principal, is_operator=False))
    refused = await identity.handle(RecordRun(admin, JOB, "collect"))
    assert refused == Forbidden("operate the platform")
    assert await events(database) == []


async def test_nobody_waits_to_be_erased(identity: Identity, clock: FixedClock) -> None:
    """What waits is counted over all tenants."""
    assert await identity.handle(CountBacklog()) == {"erase-tenants": Backlog(0)}

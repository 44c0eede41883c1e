"""A request that is sent again under its Idempotency-Key has its effect once."""

from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    CreateToken,
    CreateUser,
    FindUsers,
    ListCredentials,
    ListUsers,
    LoginTaken,
    SecretIssued,
    Unauthenticated,
    User,
)
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.principal import Caller, Idempotency, Principal, Scope
from bitvault.kernel.refusal import IdempotencyConflict
from tests.actors.identity.conftest import ORIGIN, PASSWORD
from tests.support.determinism import FixedClock
from tests.support.postgres import snapshot, unchanged

KEY = Idempotency("k-1", b"not looked at")


@pytest.fixture
async def admin(identity: Identity, session: SecretIssued) -> Caller:
    """Be ``root``, with a key."""
    principal = await identity.handle(Authenticate(session.token, ORIGIN))
    assert isinstance(principal, Principal)
    return Caller(principal, ORIGIN, KEY)


async def test_a_user_is_made_once(identity: Identity, admin: Caller) -> None:
    """The repeat answers the same user; without the key the login is taken."""
    wanted = CreateUser(admin, "ann", PASSWORD, "Ann")
    first, again = [await identity.handle(wanted) for _ in range(2)]

    assert isinstance(first, User)
    assert first == again
    assert await identity.handle(evolve(wanted, caller=evolve(admin, idempotency=None))) == (
        LoginTaken("ann")
    )
    listed = await identity.handle(ListUsers(admin))
    assert [user.login for user in listed.items] == ["ann", "root"]


@pytest.mark.parametrize(
    "change",
    [
        {"login": "bob"},
        {"display_name": "Anna"},
        {"is_admin": True},
        {"password": "another password"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_key_of_another_user_request_is_refused(
    identity: Identity, admin: Caller, database: PostgresDatabase, change: dict[str, Any]
) -> None:
    """Whatever differs, the password too, though only its hash is kept; nothing is written."""
    wanted = CreateUser(admin, "ann", PASSWORD, "Ann")
    await identity.handle(wanted)

    async with unchanged(database, "identity"):
        assert await identity.handle(evolve(wanted, **change)) == IdempotencyConflict()


async def test_a_token_is_made_once_and_the_last_answer_counts(
    identity: Identity, admin: Caller, clock: FixedClock
) -> None:
    """The repeat shows a secret of the same token; the one of the lost answer is worth nothing."""
    first = await identity.handle(CreateToken(admin, "ci", 60))
    clock.advance(1)
    assert await identity.handle(Authenticate(first.token, ORIGIN))
    again = await identity.handle(CreateToken(admin, "ci", 60))

    assert again.credential.credential_id == first.credential.credential_id
    assert again.credential.expires_at == first.credential.expires_at
    assert await identity.handle(Authenticate(first.token, ORIGIN)) == Unauthenticated()
    principal = await identity.handle(Authenticate(again.token, ORIGIN))
    assert principal.credential_id == first.credential.credential_id
    [listed] = await identity.handle(ListCredentials(admin, "token"))
    assert again.token.startswith(listed.prefix)


@pytest.mark.parametrize(
    "change", [{"name": "cd"}, {"expires_in": 61}, {"expires_in": None}, {"scope": Scope.READ}]
)
async def test_a_key_of_another_token_request_is_refused(
    identity: Identity, admin: Caller, database: PostgresDatabase, change: dict[str, Any]
) -> None:
    """Another name, lifetime or scope is another token; the first one keeps its secret."""
    first = await identity.handle(CreateToken(admin, "ci", 60))

    async with unchanged(database, "identity"):
        assert await identity.handle(evolve(CreateToken(admin, "ci", 60), **change)) == (
            IdempotencyConflict()
        )
    assert isinstance(await identity.handle(Authenticate(first.token, ORIGIN)), Principal)


async def test_a_key_is_forgotten_after_a_day(
    identity: Identity, admin: Caller, clock: FixedClock, database: PostgresDatabase
) -> None:
    """The table does not grow: the next use of a key clears the user's old ones."""
    await identity.handle(CreateToken(admin, "one"))
    clock.advance(86_400)
    fresh = evolve(admin, idempotency=Idempotency("k-2", b""))
    await identity.handle(CreateToken(fresh, "two"))

    rows = (await snapshot(database, ("identity",)))["identity.idempotency"]
    assert len(rows) == 1
    assert isinstance(await identity.handle(CreateToken(admin, "other")), SecretIssued)


async def test_users_are_found_by_id_and_by_login(identity: Identity, admin: Caller) -> None:
    """Case does not count; who is not of this tenant is left out."""
    ann = await identity.handle(CreateUser(admin, "ann", PASSWORD))
    invented = admin.principal.credential_id

    found = await identity.handle(FindUsers(admin, (ann.user_id, invented), ("ROOT", "nobody", "")))

    assert [user.login for user in found] == ["ann", "root"]

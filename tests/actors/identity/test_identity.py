"""Logging in and out, tokens, users: by message, on a real database."""

from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher, extract_parameters
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    BadCredentials,
    ChangePassword,
    ChangeUser,
    CloseSession,
    CreateTenant,
    CreateToken,
    CreateUser,
    CredentialNotFound,
    DescribeCredential,
    DescribeMe,
    EnsureTenant,
    ListCredentials,
    ListUsers,
    LoginTaken,
    OpenSession,
    ProvisionUser,
    SecretIssued,
    TenantTaken,
    TooManyAttempts,
    Unauthenticated,
    User,
)
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import NodeId
from bitvault.kernel.paging import MAX_LIMIT
from bitvault.kernel.principal import Caller, Origin, Scope
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD
from tests.support.determinism import FixedClock
from tests.support.passwords import CountingHasher
from tests.support.postgres import snapshot, unchanged

DAY = 86_400
_MANY = Query(
    "many",
    """
    INSERT INTO identity.account (tenant_id, user_id, login, login_key, display_name,
                                  password_hash, is_admin, created_at)
    SELECT tenant_id, gen_random_uuid(), 'user' || n, 'user' || n, '', '', false, created_at
      FROM identity.account, generate_series(1, $1::integer) AS n
    """,
    ("most",),
)


async def log_in(room: Identity, login: str = "root", password: str = PASSWORD) -> Any:
    """Open a session in the tenant ``acme``."""
    return await room.handle(OpenSession("acme", login, password, ORIGIN))


async def caller_of(room: Identity, issued: SecretIssued) -> Caller:
    """Return the caller that a token stands for."""
    return Caller(await room.handle(Authenticate(issued.token, ORIGIN)), ORIGIN)


async def test_a_session_is_its_user(identity: Identity, session: SecretIssued) -> None:
    """The token leads to the principal, and says nothing else."""
    caller = await caller_of(identity, session)

    assert (caller.principal.login, caller.principal.is_admin) == ("root", True)
    assert await identity.handle(DescribeMe(caller)) == session.user
    assert session.token not in repr(session)


@pytest.mark.requirement("X12", "X32")
async def test_no_secret_is_stored(database: PostgresDatabase, session: SecretIssued) -> None:
    """Neither token nor password is in any row (I28)."""
    rows = str(await snapshot(database, ["identity"]))

    assert session.token[15:] not in rows
    assert PASSWORD not in rows
    assert "$argon2id$" in rows


@pytest.mark.requirement("X13")
@pytest.mark.parametrize(
    ("tenant", "login", "password"),
    [
        ("acme", "root", "wrong horse"),
        ("acme", "nobody", PASSWORD),
        ("nowhere", "root", PASSWORD),
        ("acme", "root", ""),
        ("acme", "root\0", PASSWORD),
        ("\ud800", "root", PASSWORD),
        ("acme", "x" * 100_000, "y" * 100_000),
    ],
)
async def test_wrong_is_wrong_whatever_is_wrong(
    identity: Identity, database: PostgresDatabase, tenant: str, login: str, password: str
) -> None:
    """Tenant, login and password cannot be told apart, and nothing changes."""
    async with unchanged(database, "identity"):
        reply = await identity.handle(OpenSession(tenant, login, password, ORIGIN))

    assert reply == BadCredentials()


@pytest.mark.requirement("X13")
async def test_every_wrong_login_is_the_same_work(
    database: PostgresDatabase, identity: Identity, clock: FixedClock, admin: Caller
) -> None:
    """One hash of today's parameters, whoever there is or is not, with or without a password."""
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    room = Identity(
        database, Argon2Passwords(hasher), clock, identity.ids, MemoryLimits(), identity.options
    )
    disabled = await room.handle(CreateUser(admin, "disabled", PASSWORD))
    assert isinstance(disabled, User)
    await room.handle(ChangeUser(admin, disabled.user_id, is_disabled=True))
    await room.handle(CreateUser(admin, "robot", None, kind="service"))
    await room.handle(ProvisionUser(admin, "ann", "ext-1", "Ann"))
    places = [("acme", login) for login in ("root", "disabled", "robot", "ann", "nobody", "")]

    for number, (tenant, login) in enumerate([*places, ("nowhere", "root"), ("", "")]):
        origin = Origin("r", f"192.0.2.{number}", "pytest")
        wrong = OpenSession(tenant, login, "wrong horse", origin)
        assert await room.handle(wrong) == BadCredentials()

    assert hasher.compared == [extract_parameters(hasher.hash("x"))] * (len(places) + 2)


@pytest.mark.requirement("X9")
async def test_guessing_is_slowed_down(identity: Identity) -> None:
    """After three wrong ones even the right password waits, from that address only."""
    for _ in range(3):
        assert await log_in(identity, password="wrong horse") == BadCredentials()

    refused = await log_in(identity)
    elsewhere = Origin("r", "198.51.100.1", "pytest")

    assert isinstance(refused, TooManyAttempts)
    assert 0 < refused.retry_after <= 30
    opened = await identity.handle(OpenSession("acme", "root", PASSWORD, elsewhere))
    assert isinstance(opened, SecretIssued)


@pytest.mark.requirement("X8")
async def test_logging_out_holds_at_once(identity: Identity, session: SecretIssued) -> None:
    """The cached principal goes with the session."""
    caller = await caller_of(identity, session)

    assert await identity.handle(CloseSession(caller)) is None
    assert await identity.handle(Authenticate(session.token, ORIGIN)) == Unauthenticated()
    assert await identity.handle(CloseSession(caller)) == CredentialNotFound()


@pytest.mark.requirement("X10")
async def test_a_session_ends_when_its_time_is_over(
    database: PostgresDatabase, identity: Identity, session: SecretIssued, clock: FixedClock
) -> None:
    """Idle for fourteen days, or thirty days old though in use."""
    for _ in range(2):
        clock.advance(13 * DAY)
        fresh = Identity(
            database, identity.passwords, clock, identity.ids, identity.limits, identity.options
        )
        assert await fresh.handle(Authenticate(session.token, ORIGIN)) != Unauthenticated()
    clock.advance(5 * DAY)

    fresh = Identity(
        database, identity.passwords, clock, identity.ids, identity.limits, identity.options
    )
    assert await fresh.handle(Authenticate(session.token, ORIGIN)) == Unauthenticated()


@pytest.mark.requirement("X10")
async def test_an_idle_session_ends(
    identity: Identity, session: SecretIssued, clock: FixedClock
) -> None:
    """Not used for fourteen days."""
    clock.advance(14 * DAY)

    assert await identity.handle(Authenticate(session.token, ORIGIN)) == Unauthenticated()


@pytest.mark.requirement("X8")
async def test_a_changed_password_ends_the_other_sessions(
    identity: Identity, session: SecretIssued
) -> None:
    """The one in use stays, the old password is gone, API tokens stay."""
    other, caller = await log_in(identity), await caller_of(identity, session)
    await caller_of(identity, other)
    token = await identity.handle(CreateToken(caller, "ci"))

    assert await identity.handle(ChangePassword(caller, PASSWORD, "battery staple")) is None

    assert await identity.handle(Authenticate(other.token, ORIGIN)) == Unauthenticated()
    assert await identity.handle(Authenticate(session.token, ORIGIN)) == caller.principal
    assert await identity.handle(Authenticate(token.token, ORIGIN)) != Unauthenticated()
    assert await log_in(identity) == BadCredentials()
    assert isinstance(await log_in(identity, password="battery staple"), SecretIssued)


async def test_a_password_is_changed_only_by_who_knows_it(
    identity: Identity, database: PostgresDatabase, session: SecretIssued
) -> None:
    """A stolen session guesses three times, then waits."""
    caller = await caller_of(identity, session)
    async with unchanged(database, "identity"):
        wrong = [
            await identity.handle(ChangePassword(caller, "wrong horse", "battery staple"))
            for _ in range(4)
        ]

    assert wrong[:3] == [BadCredentials()] * 3
    assert isinstance(wrong[3], TooManyAttempts)


@pytest.mark.requirement("X13")
async def test_a_weak_hash_is_renewed_at_login(
    database: PostgresDatabase, identity: Identity, clock: FixedClock
) -> None:
    """Parameters grow with the years; who logs in gets today's."""
    stronger = Argon2Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    room = Identity(database, stronger, clock, identity.ids, identity.limits, identity.options)

    assert isinstance(await log_in(room), SecretIssued)

    assert "m=16,t=2" in str(await snapshot(database, ["identity"]))
    assert isinstance(await log_in(room), SecretIssued)


@pytest.mark.requirement("X12", "X17")
async def test_tokens_are_listed_and_revoked_by_their_user_alone(
    identity: Identity, session: SecretIssued
) -> None:
    """Another user finds no such token."""
    caller = await caller_of(identity, session)
    token = await identity.handle(CreateToken(caller, "ci", expires_in=60))
    await identity.handle(CreateUser(caller, "ann", PASSWORD))
    ann = await caller_of(identity, await log_in(identity, "ann"))
    wanted = token.credential.credential_id

    [listed] = await identity.handle(ListCredentials(caller, "token"))
    assert (listed.name, listed.prefix) == ("ci", token.token[:10])
    assert await identity.handle(CloseSession(ann, wanted)) == CredentialNotFound()
    assert await identity.handle(CloseSession(caller, wanted)) is None
    assert await identity.handle(Authenticate(token.token, ORIGIN)) == Unauthenticated()


@pytest.mark.requirement("X12")
@pytest.mark.parametrize(
    ("scope", "administers"), [(Scope.READ, False), (Scope.WRITE, False), (Scope.ADMIN, True)]
)
async def test_a_token_is_good_for_its_scope(
    identity: Identity,
    database: PostgresDatabase,
    session: SecretIssued,
    scope: Scope,
    *,
    administers: bool,
) -> None:
    """An admin's token administers only when it was made for that; rooms refuse it otherwise."""
    caller = await caller_of(identity, session)
    token = await identity.handle(CreateToken(caller, "ci", None, scope))
    by_token = await caller_of(identity, token)

    assert (by_token.principal.scope, by_token.principal.is_admin) == (scope, administers)
    assert caller.principal.scope is Scope.ACCOUNT
    [listed] = await identity.handle(ListCredentials(caller, "token"))
    assert listed.scope is scope
    if not administers:
        async with unchanged(database, "identity"):
            refused = await identity.handle(CreateUser(by_token, "ann", PASSWORD))
        assert refused == Forbidden("create users")


async def test_using_a_token_all_the_time_writes_once_a_minute(
    identity: Identity, database: PostgresDatabase, session: SecretIssued, clock: FixedClock
) -> None:
    """When it was last used is known to the minute, and costs no write for each request."""
    await identity.handle(Authenticate(session.token, ORIGIN))
    clock.advance(59)
    async with unchanged(database, "identity"):
        for _ in range(3):
            identity.principals.forget_tenant(session.user.tenant_id)
            await identity.handle(Authenticate(session.token, ORIGIN))
    clock.advance(2)
    identity.principals.forget_tenant(session.user.tenant_id)
    caller = await caller_of(identity, session)

    [listed] = await identity.handle(ListCredentials(caller, "session"))
    assert listed.last_used_at == clock.now()


@pytest.mark.requirement("X17")
async def test_users_are_listed_within_their_tenant(
    identity: Identity, session: SecretIssued
) -> None:
    """By login, page by page; another tenant's users do not exist."""
    await identity.handle(CreateTenant("other", "spy", PASSWORD))
    caller = await caller_of(identity, session)
    for login in ("Zoe", "ann"):
        await identity.handle(CreateUser(caller, login, PASSWORD))

    first = await identity.handle(ListUsers(caller, limit=2))
    rest = await identity.handle(ListUsers(caller, first.next_cursor, limit=2))

    assert [user.login for user in (*first.items, *rest.items)] == ["ann", "root", "Zoe"]
    assert rest.next_cursor is None


async def test_the_longest_page_of_users_is_not_the_last(
    identity: Identity, session: SecretIssued, database: PostgresDatabase
) -> None:
    """A page is as long as all lists' may be, and the rest is on the next."""
    caller = await caller_of(identity, session)

    async def work(tx: Transaction) -> None:
        await tx.execute(_MANY, most=MAX_LIMIT)

    await database.transact(caller.tenant_id, work)

    first = await identity.handle(ListUsers(caller, limit=MAX_LIMIT))
    rest = await identity.handle(ListUsers(caller, first.next_cursor, limit=MAX_LIMIT))

    assert (len(first.items), [user.login for user in rest.items]) == (MAX_LIMIT, ["user999"])


@pytest.mark.requirement("X19")
async def test_only_admins_create_users(identity: Identity, session: SecretIssued) -> None:
    """Anybody else is refused."""
    admin = await caller_of(identity, session)
    user = evolve(admin, principal=evolve(admin.principal, is_admin=False))

    assert await identity.handle(CreateUser(user, "ann", PASSWORD)) == Forbidden("create users")


async def test_refused_users_and_tenants_leave_nothing_behind(
    identity: Identity, database: PostgresDatabase, session: SecretIssued
) -> None:
    """Taken names, bad logins, short passwords."""
    admin = await caller_of(identity, session)
    async with unchanged(database, "identity"):
        replies = [
            await identity.handle(CreateUser(admin, "ROOT", PASSWORD)),
            await identity.handle(CreateUser(admin, "a\0", PASSWORD)),
            await identity.handle(CreateUser(admin, "ann", "short")),
            await identity.handle(CreateTenant("ACME", "x", PASSWORD)),
            await identity.handle(EnsureTenant("acme", "x", PASSWORD)),
            await identity.handle(CreateToken(admin, "ci", expires_in=0)),
            await identity.handle(CreateToken(admin, "ci", scope=Scope.ACCOUNT)),
        ]

    assert replies[0] == LoginTaken("ROOT")
    assert [r.field for r in replies if isinstance(r, Invalid)] == [
        "login",
        "password",
        "expiresIn",
        "scope",
    ]
    assert replies[3:5] == [TenantTaken("ACME"), None]


async def test_a_token_may_end_at_a_node(identity: Identity, session: SecretIssued) -> None:
    """Its principal says where, and so does the list; the admin's rights do not go with it."""
    caller, node = await caller_of(identity, session), NodeId(UUID(int=7))
    wanted = CreateToken(caller, "scanner", scope=Scope.WRITE, confined_to=node)
    made = await identity.handle(wanted)

    by_token = await caller_of(identity, made)

    assert (by_token.principal.confined_to, by_token.principal.is_admin) == (node, False)
    described = await identity.handle(DescribeCredential(by_token))
    assert (described.credential_id, described.confined_to) == (made.credential.credential_id, node)
    (listed,) = await identity.handle(ListCredentials(caller, "token"))
    assert (listed.confined_to, caller.principal.confined_to) == (node, None)


async def test_a_tenant_is_not_administered_from_a_folder(
    identity: Identity, session: SecretIssued, database: PostgresDatabase
) -> None:
    """The scope of a token that ends at a node is at most to write."""
    caller = await caller_of(identity, session)
    wanted = CreateToken(caller, "x", scope=Scope.ADMIN, confined_to=NodeId(UUID(int=7)))

    async with unchanged(database, "identity"):
        refused = await identity.handle(wanted)

    assert isinstance(refused, Invalid)
    assert refused.field == "scope"

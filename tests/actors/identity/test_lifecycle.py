"""Users who change, are kept out, or go; and users who are programs."""

from typing import Any

import pytest
import trio
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    AddMember,
    Authenticate,
    BadCredentials,
    ChangeUser,
    CloseOtherSessions,
    CloseSession,
    CloseSessionsOf,
    CreateGroup,
    CreateTenant,
    CreateToken,
    CreateUser,
    CredentialNotFound,
    DeleteUser,
    FindUsers,
    Invite,
    LastAdmin,
    ListCredentials,
    ListMembers,
    ListUsers,
    SecretIssued,
    Unauthenticated,
    User,
    UserNotFound,
)
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Idempotency, Principal, Scope
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD, log_in
from tests.support.postgres import snapshot, unchanged
from tests.support.rewiring import rewire


async def whose(room: Identity, token: str) -> Any:
    """Return the principal of a token, or the refusal."""
    return await room.handle(Authenticate(token, ORIGIN))


@pytest.fixture
async def ann(identity: Identity, admin: Caller) -> User:
    """Return a user who is no admin."""
    made = await identity.handle(CreateUser(admin, "ann", PASSWORD, "Ann"))
    assert isinstance(made, User)
    return made


@pytest.fixture
async def robot(identity: Identity, admin: Caller) -> User:
    """Return a service account."""
    made = await identity.handle(CreateUser(admin, "robot", None, kind="service"))
    assert isinstance(made, User)
    return made


@pytest.mark.requirement("X8")
async def test_who_is_disabled_is_out_at_once(identity: Identity, admin: Caller, ann: User) -> None:
    """Cached sessions and tokens, and logging in; enabling lets in again, by password (X8)."""
    opened = await log_in(identity, "ann")
    caller = Caller(await whose(identity, opened.token), ORIGIN)
    token = await identity.handle(CreateToken(caller, "ci"))
    assert isinstance(await whose(identity, token.token), Principal)

    disabled = await identity.handle(ChangeUser(admin, ann.user_id, is_disabled=True))

    assert disabled == evolve(ann, is_disabled=True)
    assert await whose(identity, opened.token) == Unauthenticated()
    assert await whose(identity, token.token) == Unauthenticated()
    assert await log_in(identity, "ann") == BadCredentials()
    assert await identity.handle(CreateToken(caller, "late")) == Unauthenticated()
    assert await identity.handle(ChangeUser(admin, ann.user_id, is_disabled=False)) == ann
    assert await whose(identity, token.token) == Unauthenticated()
    assert isinstance(await log_in(identity, "ann"), SecretIssued)


@pytest.mark.requirement("X8")
async def test_another_process_forgets_within_a_second(
    identity: Identity, database: PostgresDatabase, admin: Caller, ann: User
) -> None:
    """It may still know for a second whom this one has disabled, and not longer (P9)."""
    kept = (identity.clock, identity.ids, identity.limits, identity.options)
    made = (database, identity.passwords, *kept)
    elsewhere = Identity(*made)
    opened = await log_in(identity, "ann")
    assert isinstance(await whose(elsewhere, opened.token), Principal)

    await identity.handle(ChangeUser(admin, ann.user_id, is_disabled=True))

    digest, now = next(iter(elsewhere.principals._known)), trio.current_time()
    assert elsewhere.principals.get(digest, now + 1.0) is None
    assert await whose(Identity(*made), opened.token) == Unauthenticated()


@pytest.mark.requirement("X8", "X23")
async def test_a_principal_is_kept_for_a_second_and_never_past_a_revocation(
    admin: Caller,
) -> None:
    """What was read before a revocation is not kept after it."""
    known, who = Principals(), admin.principal
    known.keep(b"1", who, 10.0, known.revocations)
    assert [known.get(b"1", at) for at in (10.9, 11.0)] == [who, None]
    before = known.revocations
    known.forget(who.tenant_id, who.user_id)
    known.keep(b"1", who, 11.0, before)
    assert known.get(b"1", 11.0) is None


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"is_admin": False}, None])
async def test_the_last_admin_stays(
    identity: Identity,
    database: PostgresDatabase,
    admin: Caller,
    robot: User,
    change: dict[str, bool] | None,
) -> None:
    """Neither disabled, demoted nor deleted: a program or a disabled admin cannot stand in."""
    await identity.handle(ChangeUser(admin, robot.user_id, is_admin=True))
    other = await identity.handle(CreateUser(admin, "bea", PASSWORD, is_admin=True))
    await identity.handle(ChangeUser(admin, other.user_id, is_disabled=True))
    root = admin.principal.user_id

    def request() -> Any:
        if change is None:
            return DeleteUser(admin, root)
        return ChangeUser(admin, root, **change)

    async with unchanged(database, "identity"):
        assert await identity.handle(request()) == LastAdmin("root")
    await identity.handle(ChangeUser(admin, other.user_id, is_disabled=False))
    assert not isinstance(await identity.handle(request()), LastAdmin)


async def test_two_admins_who_remove_each_other_take_turns(
    identity: Identity, admin: Caller
) -> None:
    """At the same moment: one is removed, and one stays."""
    other = await identity.handle(CreateUser(admin, "bea", PASSWORD, is_admin=True))
    bea = Caller(await whose(identity, (await log_in(identity, "bea")).token), ORIGIN)
    replies: list[Any] = []

    async def demote(caller: Caller, user_id: UserId) -> None:
        replies.append(await identity.handle(ChangeUser(caller, user_id, is_admin=False)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(demote, admin, other.user_id)
        nursery.start_soon(demote, bea, admin.principal.user_id)

    assert sorted(type(reply).__name__ for reply in replies) == ["LastAdmin", "User"]
    users = await identity.handle(ListUsers(admin))
    assert [user.is_admin for user in users.items].count(True) == 1


@pytest.mark.requirement("X8", "X23")
async def test_a_changed_role_holds_at_once(identity: Identity, admin: Caller, ann: User) -> None:
    """Though the principal is in the cache."""
    token = (await log_in(identity, "ann")).token
    seen = [(await whose(identity, token)).is_admin]
    for is_admin in (True, False):
        await identity.handle(ChangeUser(admin, ann.user_id, is_admin=is_admin))
        seen.append((await whose(identity, token)).is_admin)
    assert seen == [False, True, False]


@pytest.mark.requirement("X8")
async def test_a_deleted_user_leaves_a_name_and_nothing_else(
    identity: Identity, database: PostgresDatabase, admin: Caller, ann: User
) -> None:
    """Not listed, not found but for the trail, in no group; the login is free for somebody new."""
    group = await identity.handle(CreateGroup(admin, "Staff"))
    await identity.handle(AddMember(admin, group.group_id, ann.user_id))
    token = (await log_in(identity, "ann")).token
    await whose(identity, token)

    assert await identity.handle(DeleteUser(admin, ann.user_id)) is None

    assert await whose(identity, token) == Unauthenticated()
    assert await log_in(identity, "ann") == BadCredentials()
    assert [user.login for user in (await identity.handle(ListUsers(admin))).items] == ["root"]
    assert await identity.handle(FindUsers(admin, (ann.user_id,), ("ann",))) == ()
    [ghost] = await identity.handle(FindUsers(admin, (ann.user_id,), deleted=True))
    assert ghost.display_name == "Ann"
    assert (await identity.handle(ListMembers(admin, group.group_id))).items == ()
    assert await identity.handle(DeleteUser(admin, ann.user_id)) == UserNotFound(str(ann.user_id))
    again = await identity.handle(CreateUser(admin, "ann", PASSWORD))
    assert again.user_id != ann.user_id
    rows = await snapshot(database, ("identity",))
    assert str(ann.user_id) not in str(rows["identity.credential"] + rows["identity.membership"])


async def test_a_service_account_has_tokens_and_no_password(
    identity: Identity, admin: Caller, robot: User
) -> None:
    """Made, listed and revoked by the tenant's admins; nobody logs in as it."""
    issued = await identity.handle(CreateToken(admin, "ci", user_id=robot.user_id))

    principal = await whose(identity, issued.token)
    assert (principal.login, principal.user_id) == ("robot", robot.user_id)
    assert await log_in(identity, "robot") == BadCredentials()
    [listed] = await identity.handle(ListCredentials(admin, "token", robot.user_id))
    assert listed.credential_id == issued.credential.credential_id
    assert await identity.handle(ListCredentials(admin, "token")) == ()
    revoke = CloseSession(admin, listed.credential_id, robot.user_id)
    assert await identity.handle(revoke) is None
    assert await whose(identity, issued.token) == Unauthenticated()
    assert await identity.handle(revoke) == CredentialNotFound()


async def test_a_service_account_is_made_once_under_a_key(
    identity: Identity, admin: Caller
) -> None:
    """Like a person; and not taken for one."""
    keyed = evolve(admin, idempotency=Idempotency("k", b""))
    wanted = CreateUser(keyed, "robot", None, kind="service")
    first, again = [await identity.handle(wanted) for _ in range(2)]
    assert isinstance(first, User)
    assert first == again
    person = CreateUser(keyed, "robot", PASSWORD)
    assert await identity.handle(person) == IdempotencyConflict()


@pytest.mark.requirement("X8")
async def test_sessions_end_but_the_one_in_use_or_all_of_them(
    identity: Identity, admin: Caller, ann: User
) -> None:
    """By the user themself, or by an admin; tokens stay either way (B4)."""
    opened = [await log_in(identity, "ann") for _ in range(3)]
    own = Caller(await whose(identity, opened[0].token), ORIGIN)
    token = await identity.handle(CreateToken(own, "ci"))
    for one in opened:
        await whose(identity, one.token)

    assert await identity.handle(CloseOtherSessions(own)) is None
    alive = [await whose(identity, one.token) != Unauthenticated() for one in opened]
    assert alive == [True, False, False]
    assert await identity.handle(CloseSessionsOf(admin, ann.user_id)) is None
    assert await whose(identity, opened[0].token) == Unauthenticated()
    assert isinstance(await whose(identity, token.token), Principal)


async def test_what_is_refused_changes_no_row(
    identity: Identity, database: PostgresDatabase, admin: Caller, ann: User, robot: User
) -> None:
    """Wrong kinds and passwords, foreign users, other people's tokens, and who is no admin."""
    await identity.handle(CreateTenant("rival", "spy", PASSWORD))
    spy = Caller(await whose(identity, (await log_in(identity, "spy", "rival")).token), ORIGIN)
    their = spy.principal.user_id
    user = evolve(admin, principal=evolve(admin.principal, is_admin=False))
    refused: list[tuple[Any, Any]] = [
        (CreateUser(admin, "x", None), Invalid),
        (CreateUser(admin, "x", PASSWORD, kind="service"), Invalid),
        (CreateUser(admin, "x", PASSWORD, kind="robot"), Invalid),
        (ChangeUser(admin, ann.user_id, display_name="a\nb"), Invalid),
        *(
            (request, kind)
            for caller, user_id, kind in (
                (admin, their, UserNotFound),
                (user, ann.user_id, Forbidden),
            )
            for request in (
                ChangeUser(caller, user_id, is_disabled=True),
                DeleteUser(caller, user_id),
                CloseSessionsOf(caller, user_id),
                CreateToken(caller, "x", user_id=user_id),
                ListCredentials(caller, "token", user_id),
                CloseSession(caller, spy.principal.credential_id, user_id),
            )
        ),
        (CreateToken(admin, "x", user_id=ann.user_id), Forbidden),
        (ListCredentials(admin, "token", ann.user_id), Forbidden),
        (CreateToken(user, "x", user_id=robot.user_id), Forbidden),
    ]
    async with unchanged(database, "identity"):
        for request, kind in refused:
            assert isinstance(await identity.handle(request), kind), request
    assert isinstance(await whose(identity, (await log_in(identity, "ann")).token), Principal)


@pytest.mark.requirement("X12")
async def test_no_token_makes_an_admin(
    identity: Identity, admin: Caller, database: PostgresDatabase
) -> None:
    """Whoever finds one would be an admin for longer than it lasts; ordinary users it may make."""
    rewire(identity, options=evolve(identity.options, sends_mail=True))
    principal = evolve(admin.principal, scope=Scope.ADMIN, is_operator=True)
    token = evolve(admin, principal=principal)
    bob = await identity.handle(CreateUser(token, "bob", PASSWORD))
    assert isinstance(bob, User)
    async with unchanged(database, "identity", "outbox"):
        for request in (
            CreateUser(token, "eve", PASSWORD, is_admin=True),
            Invite(token, "eve@example.org", "eve", "", True),
            ChangeUser(token, bob.user_id, is_admin=True),
            ChangeUser(token, bob.user_id, is_operator=True),
        ):
            assert await identity.handle(request) == Forbidden("make admins with an API token")
    assert (await identity.handle(ChangeUser(admin, bob.user_id, is_admin=True))).is_admin
    demoted = await identity.handle(ChangeUser(token, bob.user_id, is_admin=False))
    assert not demoted.is_admin

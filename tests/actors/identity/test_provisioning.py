"""What a directory does to users and groups: by message, on a real database."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AdmitOutsider,
    Authenticate,
    CreateGroup,
    CreateTenant,
    CreateUser,
    ExternalIdTaken,
    FindProvisionedGroups,
    FindProvisionedUsers,
    GroupNotFound,
    LoginTaken,
    Membership,
    NotAdmitted,
    OpenSession,
    Outsider,
    ProvisionedUser,
    ProvisionGroup,
    ProvisionUser,
    ReviseGroup,
    ReviseUser,
    SecretIssued,
    UserNotFound,
)
from bitvault.actors.identity.store.provisioning import set_external_user
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Idempotency
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD
from tests.support.postgres import unchanged


async def users(identity: Identity, admin: Caller, **given: Any) -> tuple[list[str], int]:
    """Return the logins that are found, and how many there are."""
    found = await identity.handle(FindProvisionedUsers(admin, **given))
    return [one.user.login for one in found.items], found.total


async def test_a_user_of_the_directory_has_no_password_and_is_found_by_each_of_its_names(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """By id, login in any case and external id; what fits one and not the other is not found."""
    me = provisioned.user.user_id
    assert (
        provisioned.user.display_name,
        provisioned.external_id,
        provisioned.user.is_disabled,
    ) == ("Ann", "ext-1", False)
    assert await users(identity, admin) == (["root", "ann"], 2)
    for given in ({"user_id": me}, {"login": "ANN"}, {"external_id": "ext-1"}):
        assert await users(identity, admin, **given) == (["ann"], 1)
    assert await users(identity, admin, login="ann", external_id="ext-1") == (["ann"], 1)
    assert await users(identity, admin, login="ann", external_id="ext-2") == ([], 0)
    assert await users(identity, admin, login="root", user_id=me) == ([], 0)
    for password in ("", PASSWORD):
        answer = await identity.handle(OpenSession("acme", "ann", password, ORIGIN))
        assert not isinstance(answer, SecretIssued)


async def test_a_list_is_shown_in_parts_and_counted_whole(
    identity: Identity, admin: Caller
) -> None:
    """Each part says how many there are in all, though it is past the end; services are not."""
    await identity.handle(CreateUser(admin, "robot", None, kind="service"))
    for number in range(4):
        await identity.handle(ProvisionUser(admin, f"user-{number}"))
    parts = [await users(identity, admin, offset=place, limit=2) for place in (0, 2, 4, 6)]
    assert [total for _, total in parts] == [5] * 4
    shown = [login for part, _ in parts for login in part]
    assert shown == ["root", "user-0", "user-1", "user-2", "user-3"]


async def test_names_belong_to_one_user_and_a_refusal_leaves_everything_as_it_was(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser, database: PostgresDatabase
) -> None:
    """Login and external id of another are refused to a new user and to one that is changed."""
    bob = await identity.handle(ProvisionUser(admin, "bob", "ext-2"))
    me = bob.user.user_id
    async with unchanged(database):
        for request, refusal in (
            (ProvisionUser(admin, "ANN"), LoginTaken("ANN")),
            (ProvisionUser(admin, "cid", "ext-1"), ExternalIdTaken("ext-1")),
            (ReviseUser(admin, me, "Ann"), LoginTaken("Ann")),
            (ReviseUser(admin, me, external_id="ext-1"), ExternalIdTaken("ext-1")),
            (ReviseUser(admin, UserId(uuid4()), "x"), UserNotFound),
            (ProvisionUser(admin, " "), Invalid),
            (ProvisionUser(admin, "cid", "a\nb"), Invalid),
            (ReviseUser(admin, me, external_id="e" * 256), Invalid),
        ):
            answer = await identity.handle(request)
            assert (
                answer == refusal
                if not isinstance(refusal, type)
                else (isinstance(answer, refusal))
            )


async def test_a_user_is_renamed_and_the_old_name_is_free_again(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """So is the external id that was taken away; a rename to the same name in capitals holds."""
    me = provisioned.user.user_id
    changed = await identity.handle(ReviseUser(admin, me, "ANN", ""))
    assert changed == ProvisionedUser(evolve(provisioned.user, login="ANN"))
    again = await identity.handle(ReviseUser(admin, me, "anna"))
    assert (again.user.login, again.user.display_name) == ("anna", "Ann")
    nameless = await identity.handle(ReviseUser(admin, me, "anne", display_name=""))
    assert nameless.user.display_name == "anne"
    made = await identity.handle(ProvisionUser(admin, "ann", "ext-1"))
    assert isinstance(made, ProvisionedUser)


async def test_a_repeat_under_one_key_makes_one_user_and_one_group(
    identity: Identity, admin: Caller
) -> None:
    """Another request under that key is refused."""
    first = evolve(admin, idempotency=Idempotency("k", b"1"))
    other = evolve(admin, idempotency=Idempotency("g", b"1"))
    user = await identity.handle(ProvisionUser(first, "ann"))
    assert await identity.handle(ProvisionUser(first, "ann")) == user
    assert await identity.handle(ProvisionUser(first, "bob")) == IdempotencyConflict()
    group = await identity.handle(ProvisionGroup(other, "Staff", "", frozenset()))
    assert await identity.handle(ProvisionGroup(other, "Staff", "", frozenset())) == group
    assert await identity.handle(ProvisionGroup(other, "Crew", "", frozenset())) == (
        IdempotencyConflict()
    )


async def test_only_admins_see_and_change_what_a_directory_does_and_only_of_their_tenant(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser, database: PostgresDatabase
) -> None:
    """A plain user is refused; another tenant's admin finds nobody of it."""
    await identity.handle(CreateUser(admin, "plain", PASSWORD))
    await identity.handle(CreateTenant("other", "boss", PASSWORD))
    group = await identity.handle(CreateGroup(admin, "Staff"))
    plain, boss = [
        Caller(
            await identity.handle(
                Authenticate(
                    (await identity.handle(OpenSession(tenant, login, PASSWORD, ORIGIN))).token,
                    ORIGIN,
                )
            ),
            ORIGIN,
        )
        for tenant, login in (("acme", "plain"), ("other", "boss"))
    ]
    async with unchanged(database):
        for request in (
            ProvisionUser(plain, "x"),
            FindProvisionedUsers(plain),
            ProvisionGroup(plain, "x"),
            ReviseGroup(plain, group.group_id, "x"),
            FindProvisionedGroups(plain),
        ):
            assert isinstance(await identity.handle(request), Forbidden)
        assert await users(identity, boss, login="ann") == ([], 0)
        assert await users(identity, boss, user_id=provisioned.user.user_id) == ([], 0)
        found = await identity.handle(FindProvisionedGroups(boss, group.group_id))
        assert found.total == 0
        theirs = Membership(added=frozenset({provisioned.user.user_id}))
        for request in (
            ReviseGroup(boss, group.group_id, "x"),
            ProvisionGroup(boss, "x", "", theirs.added),
        ):
            assert isinstance(await identity.handle(request), GroupNotFound | UserNotFound)


async def test_a_disabled_user_is_made_and_enabled_later(identity: Identity, admin: Caller) -> None:
    """A directory may send people before they start."""
    made = await identity.handle(ProvisionUser(admin, "new", is_disabled=True))
    assert made.user.is_disabled
    enabled = await identity.handle(ReviseUser(admin, made.user.user_id, is_disabled=False))
    assert not enabled.user.is_disabled


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 1025])
async def test_an_id_that_cannot_be_is_not_looked_for(
    identity: Identity, admin: Caller, text: str
) -> None:
    """It is refused by name, and nobody else's request suffers from it."""
    for request in (
        FindProvisionedUsers(admin, external_id=text),
        FindProvisionedGroups(admin, external_id=text),
    ):
        told = await identity.handle(request)
        assert isinstance(told, Invalid)
        assert told.field == "externalId"


async def come(identity: Identity, admin: Caller, subject: str, external_id: str | None) -> Any:
    """Come in by a provider that makes no users, and says whom the directory means."""
    outsider = Outsider("https://idp.example", subject, "ann", external_id=external_id)
    request = AdmitOutsider(admin.tenant_id, "p", outsider, makes_users=False, origin=ORIGIN)
    return await identity.handle(request)


@pytest.mark.requirement("X5")
async def test_whom_a_directory_made_comes_in_by_single_sign_on(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """The first identity of their external id is theirs from then on, and no other is."""
    assert isinstance(await come(identity, admin, "s-1", None), NotAdmitted)
    assert isinstance(await come(identity, admin, "s-1", "ext-2"), NotAdmitted)

    assert await come(identity, admin, "s-1", "ext-1") == provisioned.user

    assert await come(identity, admin, "s-1", None) == provisioned.user
    assert isinstance(await come(identity, admin, "s-2", "ext-1"), NotAdmitted)


@pytest.mark.requirement("X5")
async def test_no_account_that_has_another_way_in_is_taken_over(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """One with a password, a service account, an operator, one that is disabled, or is gone."""
    bob = await identity.handle(CreateUser(admin, "bob", PASSWORD))
    robot = await identity.handle(CreateUser(admin, "robot", None, kind="service"))
    operator = evolve(bob, user_id=admin.principal.user_id)
    for user in (bob, robot, operator):
        await identity.database.transact(
            admin.tenant_id, partial(set_external_user, user=user, external_id="taken")
        )
        assert isinstance(await come(identity, admin, "s-1", "taken"), NotAdmitted)
        await identity.database.transact(
            admin.tenant_id, partial(set_external_user, user=user, external_id="")
        )
    await identity.handle(ReviseUser(admin, provisioned.user.user_id, is_disabled=True))
    assert await come(identity, admin, "s-1", "ext-1") == NotAdmitted("the user is disabled")
    await identity.handle(ReviseUser(admin, provisioned.user.user_id, is_disabled=False))
    assert await come(identity, admin, "s-1", "ext-1") == provisioned.user


async def test_a_directory_neither_finds_nor_changes_service_accounts(
    identity: Identity, admin: Caller, database: PostgresDatabase
) -> None:
    """What it cannot see it cannot disable, though its token may be an admin's."""
    robot = await identity.handle(CreateUser(admin, "robot", None, kind="service"))
    async with unchanged(database):
        off = ReviseUser(admin, robot.user_id, is_disabled=True)
        assert await identity.handle(off) == UserNotFound(str(robot.user_id))


async def test_a_repeat_with_other_words_is_no_repeat(identity: Identity, admin: Caller) -> None:
    """The same key for another person, or another group, is refused."""
    caller = evolve(admin, idempotency=Idempotency("k", b"f"))
    first = await identity.handle(ProvisionUser(caller, "eve", "e-1", "Eve"))
    assert await identity.handle(ProvisionUser(caller, "eve", "e-1", "Eve")) == first
    for other in (ProvisionUser(caller, "eve", "e-2", "Eve"), ProvisionUser(caller, "eve", "e-1")):
        assert isinstance(await identity.handle(other), IdempotencyConflict)


async def test_what_a_directory_calls_somebody_does_not_change_in_silence(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """It is how the directory finds them."""

    async def count() -> int:
        query = Query("n", "SELECT count(*) AS n FROM outbox.event WHERE kind = 'user.changed'", ())
        row = await identity.database.read(None, lambda tx: tx.fetchrow(query))
        assert row is not None
        return int(row["n"])

    before = await count()
    for external_id, told in (("ext-1", 0), ("ext-9", 1), ("ext-9", 1)):
        await identity.handle(ReviseUser(admin, provisioned.user.user_id, external_id=external_id))
        assert await count() - before == told

"""What a directory does to users and groups: by message, on a real database."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor import Identity, provisioning
from bitvault.actors.identity.contract import (
    AddMember,
    AdmitOutsider,
    Authenticate,
    CreateGroup,
    CreateTenant,
    CreateUser,
    DeleteGroup,
    ExternalIdTaken,
    FindProvisionedGroups,
    FindProvisionedUsers,
    GroupNotFound,
    GroupTaken,
    LoginTaken,
    Membership,
    NotAdmitted,
    OpenSession,
    Outsider,
    ProvisionedGroup,
    ProvisionedUser,
    ProvisionGroup,
    ProvisionUser,
    ReviseGroup,
    ReviseUser,
    SecretIssued,
    TooManyGroups,
    UserNotFound,
)
from bitvault.actors.identity.store.provisioning import set_external_user
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query
from bitvault.kernel.ids import GroupId, UserId
from bitvault.kernel.principal import Caller, Idempotency
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD
from tests.actors.identity.racing import overtaken
from tests.support.postgres import unchanged


@pytest.fixture
async def ann(identity: Identity, admin: Caller) -> ProvisionedUser:
    """Return a user that the directory made."""
    made = await identity.handle(ProvisionUser(admin, "ann", "ext-1", "Ann"))
    assert isinstance(made, ProvisionedUser)
    return made


async def users(identity: Identity, admin: Caller, **given: Any) -> tuple[list[str], int]:
    """Return the logins that are found, and how many there are."""
    found = await identity.handle(FindProvisionedUsers(admin, **given))
    return [one.user.login for one in found.items], found.total


async def members(identity: Identity, admin: Caller, group_id: GroupId) -> set[str]:
    """Return the logins of a group's members."""
    found = await identity.handle(FindProvisionedGroups(admin, group_id))
    return {user.login for user in found.items[0].members}


async def test_a_user_of_the_directory_has_no_password_and_is_found_by_each_of_its_names(
    identity: Identity, admin: Caller, ann: ProvisionedUser
) -> None:
    """By id, login in any case and external id; what fits one and not the other is not found."""
    me = ann.user.user_id
    assert (ann.user.display_name, ann.external_id, ann.user.is_disabled) == ("Ann", "ext-1", False)
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
    identity: Identity, admin: Caller, ann: ProvisionedUser, database: PostgresDatabase
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
    identity: Identity, admin: Caller, ann: ProvisionedUser
) -> None:
    """So is the external id that was taken away; a rename to the same name in capitals holds."""
    me = ann.user.user_id
    changed = await identity.handle(ReviseUser(admin, me, "ANN", ""))
    assert changed == ProvisionedUser(evolve(ann.user, login="ANN"))
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


async def test_members_said_anew_take_away_whom_the_directory_gave_and_nobody_else(
    identity: Identity, admin: Caller, ann: ProvisionedUser
) -> None:
    """Whom an admin put in by hand stays, unless the directory names them."""
    bob = await identity.handle(ProvisionUser(admin, "bob"))
    hand = await identity.handle(ProvisionUser(admin, "hand"))
    ids = ann.user.user_id, bob.user.user_id, hand.user.user_id
    made = await identity.handle(ProvisionGroup(admin, "Staff", "g-1", frozenset(ids[:1])))
    assert isinstance(made, ProvisionedGroup)
    group_id = made.group.group_id
    await identity.handle(AddMember(admin, group_id, ids[2]))
    anew = Membership(anew=frozenset(ids[1:2]))
    await identity.handle(ReviseGroup(admin, group_id, members=anew))
    assert await members(identity, admin, group_id) == {"bob", "hand"}
    steps = Membership(added=frozenset(ids[:1]), removed=frozenset(ids[2:]))
    revised = await identity.handle(ReviseGroup(admin, group_id, name="Crew", members=steps))
    assert revised.group.name == "Crew"
    assert {user.login for user in revised.members} == {"ann", "bob"}
    found = await identity.handle(FindProvisionedGroups(admin, member=ids[0], with_members=False))
    assert [(one.group.name, one.external_id, one.members) for one in found.items] == [
        ("Crew", "g-1", None)
    ]
    (shown,) = (await identity.handle(FindProvisionedUsers(admin, ids[0]))).items
    assert [group.name for group in shown.groups] == ["Crew"]


async def test_a_principal_carries_what_the_directory_gave_from_the_moment_it_did(
    identity: Identity, admin: Caller
) -> None:
    """The principal in the cache is dropped, for whoever joins and for whoever leaves."""
    ann = await identity.handle(CreateUser(admin, "ann", PASSWORD))
    token = (await identity.handle(OpenSession("acme", "ann", PASSWORD, ORIGIN))).token
    assert (await identity.handle(Authenticate(token, ORIGIN))).groups == ()
    made = await identity.handle(ProvisionGroup(admin, "Staff", "", frozenset({ann.user_id})))
    group_id = made.group.group_id
    assert (await identity.handle(Authenticate(token, ORIGIN))).groups == (group_id,)
    emptied = Membership(anew=frozenset())
    await identity.handle(ReviseGroup(admin, group_id, members=emptied))
    assert (await identity.handle(Authenticate(token, ORIGIN))).groups == ()


async def test_a_group_that_cannot_be_as_it_is_wanted_stays_as_it_is(
    identity: Identity,
    admin: Caller,
    ann: ProvisionedUser,
    database: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unknown members, names of others, and one group too many: nothing of it is done."""
    await identity.handle(ProvisionGroup(admin, "Other", "g-2"))
    made = await identity.handle(ProvisionGroup(admin, "Staff"))
    group_id, me = made.group.group_id, ann.user.user_id
    both = Membership(added=frozenset({me, uuid4()}))
    async with unchanged(database):
        for request, refusal in (
            (ReviseGroup(admin, group_id, "Crew", members=both), UserNotFound),
            (ReviseGroup(admin, group_id, "OTHER"), GroupTaken),
            (ReviseGroup(admin, group_id, external_id="g-2"), ExternalIdTaken),
            (ReviseGroup(admin, GroupId(uuid4()), "Crew"), GroupNotFound),
            (ProvisionGroup(admin, "staff"), GroupTaken),
            (ProvisionGroup(admin, "New", "g-2"), ExternalIdTaken),
            (ProvisionGroup(admin, "New", "", frozenset({uuid4()})), UserNotFound),
        ):
            assert isinstance(await identity.handle(request), refusal)
    await identity.handle(ReviseGroup(admin, group_id, members=Membership(frozenset({me}))))
    monkeypatch.setattr(rules, "MAX_GROUPS", 1)
    async with unchanged(database):
        full = await identity.handle(ProvisionGroup(admin, "Third", "", frozenset({me})))
    assert full == TooManyGroups(1)


async def test_only_admins_see_and_change_what_a_directory_does_and_only_of_their_tenant(
    identity: Identity, admin: Caller, ann: ProvisionedUser, database: PostgresDatabase
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
        assert await users(identity, boss, user_id=ann.user.user_id) == ([], 0)
        found = await identity.handle(FindProvisionedGroups(boss, group.group_id))
        assert found.total == 0
        theirs = Membership(added=frozenset({ann.user.user_id}))
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


async def test_a_group_that_is_being_deleted_is_not_changed(
    identity: Identity, admin: Caller, ann: ProvisionedUser
) -> None:
    """Who comes second finds none, whichever that is; nothing is said of it afterwards."""
    wanted = Membership(added=frozenset({ann.user.user_id}))
    for is_deleted_first in (True, False):
        made = await identity.handle(ProvisionGroup(admin, "Staff", ""))
        group_id = made.group.group_id
        delete = DeleteGroup(admin, group_id)
        revise = ReviseGroup(admin, group_id, "Crew", None, wanted)
        pair = (delete, revise) if is_deleted_first else (revise, delete)

        first, second = await overtaken(
            identity,
            lambda one=pair[0]: identity.handle(one),
            lambda one=pair[1]: identity.handle(one),
        )

        if is_deleted_first:
            assert (first, second) == (None, GroupNotFound(str(group_id)))
        else:
            assert isinstance(first, ProvisionedGroup)
            assert second is None


async def come(identity: Identity, admin: Caller, subject: str, external_id: str | None) -> Any:
    """Come in by a provider that makes no users, and says whom the directory means."""
    outsider = Outsider("https://idp.example", subject, "ann", external_id=external_id)
    request = AdmitOutsider(admin.tenant_id, "p", outsider, makes_users=False, origin=ORIGIN)
    return await identity.handle(request)


@pytest.mark.requirement("X5")
async def test_whom_a_directory_made_comes_in_by_single_sign_on(
    identity: Identity, admin: Caller, ann: ProvisionedUser
) -> None:
    """The first identity of their external id is theirs from then on, and no other is."""
    assert isinstance(await come(identity, admin, "s-1", None), NotAdmitted)
    assert isinstance(await come(identity, admin, "s-1", "ext-2"), NotAdmitted)

    assert await come(identity, admin, "s-1", "ext-1") == ann.user

    assert await come(identity, admin, "s-1", None) == ann.user
    assert isinstance(await come(identity, admin, "s-2", "ext-1"), NotAdmitted)


@pytest.mark.requirement("X5")
async def test_no_account_that_has_another_way_in_is_taken_over(
    identity: Identity, admin: Caller, ann: ProvisionedUser
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
    await identity.handle(ReviseUser(admin, ann.user.user_id, is_disabled=True))
    assert await come(identity, admin, "s-1", "ext-1") == NotAdmitted("the user is disabled")
    await identity.handle(ReviseUser(admin, ann.user.user_id, is_disabled=False))
    assert await come(identity, admin, "s-1", "ext-1") == ann.user


async def test_a_directory_neither_finds_nor_changes_service_accounts(
    identity: Identity, admin: Caller, database: PostgresDatabase
) -> None:
    """What it cannot see it cannot disable, though its token may be an admin's."""
    robot = await identity.handle(CreateUser(admin, "robot", None, kind="service"))
    async with unchanged(database):
        off = ReviseUser(admin, robot.user_id, is_disabled=True)
        assert await identity.handle(off) == UserNotFound(str(robot.user_id))


async def test_a_page_of_groups_has_no_more_members_than_can_be_shown(
    identity: Identity, admin: Caller, ann: ProvisionedUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is cut comes with the next page; one group alone is shown, however large it is."""
    bob = await identity.handle(ProvisionUser(admin, "bob"))
    both = frozenset({ann.user.user_id, bob.user.user_id})
    for name in ("A", "B", "C"):
        await identity.handle(ProvisionGroup(admin, name, "", both))
    for most, shown in ((6, ["A", "B", "C"]), (5, ["A", "B"]), (3, ["A"]), (1, ["A"])):
        monkeypatch.setattr(provisioning, "_MOST_MEMBERS", most)
        found = await identity.handle(FindProvisionedGroups(admin))
        assert [one.group.name for one in found.items] == shown
        assert found.total == 3
        assert all(len(one.members) == 2 for one in found.items)


async def test_a_repeat_with_other_words_is_no_repeat(identity: Identity, admin: Caller) -> None:
    """The same key for another person, or another group, is refused."""
    caller = evolve(admin, idempotency=Idempotency("k", b"f"))
    first = await identity.handle(ProvisionUser(caller, "eve", "e-1", "Eve"))
    assert await identity.handle(ProvisionUser(caller, "eve", "e-1", "Eve")) == first
    for other in (ProvisionUser(caller, "eve", "e-2", "Eve"), ProvisionUser(caller, "eve", "e-1")):
        assert isinstance(await identity.handle(other), IdempotencyConflict)


async def test_what_a_directory_calls_somebody_does_not_change_in_silence(
    identity: Identity, admin: Caller, ann: ProvisionedUser
) -> None:
    """It is how the directory finds them."""

    async def count() -> int:
        query = Query("n", "SELECT count(*) AS n FROM outbox.event WHERE kind = 'user.changed'", ())
        row = await identity.database.read(None, lambda tx: tx.fetchrow(query))
        assert row is not None
        return int(row["n"])

    before = await count()
    for external_id, told in (("ext-1", 0), ("ext-9", 1), ("ext-9", 1)):
        await identity.handle(ReviseUser(admin, ann.user.user_id, external_id=external_id))
        assert await count() - before == told

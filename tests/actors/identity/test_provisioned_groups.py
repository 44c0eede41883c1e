"""What a directory does to groups, and to whom an admin put in them: by message."""

from uuid import uuid4

import pytest

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.actor.provisioning import provisioning
from bitvault.actors.identity.contract import (
    AddMember,
    Authenticate,
    CreateUser,
    DeleteGroup,
    ExternalIdTaken,
    FindProvisionedGroups,
    FindProvisionedUsers,
    GroupNotFound,
    GroupTaken,
    Membership,
    OpenSession,
    ProvisionedGroup,
    ProvisionedUser,
    ProvisionGroup,
    ProvisionUser,
    ReviseGroup,
    TooManyGroups,
    UserNotFound,
)
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import GroupId
from bitvault.kernel.principal import Caller
from tests.actors.identity.conftest import ORIGIN, PASSWORD
from tests.actors.identity.racing import overtaken
from tests.support.postgres import unchanged


async def members(identity: Identity, admin: Caller, group_id: GroupId) -> set[str]:
    """Return the logins of a group's members."""
    found = await identity.handle(FindProvisionedGroups(admin, group_id))
    return {user.login for user in found.items[0].members}


async def test_members_said_anew_take_away_whom_the_directory_gave_and_nobody_else(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """Whom an admin put in by hand stays, unless the directory names them."""
    bob = await identity.handle(ProvisionUser(admin, "bob"))
    hand = await identity.handle(ProvisionUser(admin, "hand"))
    ids = provisioned.user.user_id, bob.user.user_id, hand.user.user_id
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
    provisioned: ProvisionedUser,
    database: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unknown members, names of others, and one group too many: nothing of it is done."""
    await identity.handle(ProvisionGroup(admin, "Other", "g-2"))
    made = await identity.handle(ProvisionGroup(admin, "Staff"))
    group_id, me = made.group.group_id, provisioned.user.user_id
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


async def test_a_group_that_is_being_deleted_is_not_changed(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser
) -> None:
    """Who comes second finds none, whichever that is; nothing is said of it afterwards."""
    wanted = Membership(added=frozenset({provisioned.user.user_id}))
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


async def test_a_page_of_groups_has_no_more_members_than_can_be_shown(
    identity: Identity, admin: Caller, provisioned: ProvisionedUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is cut comes with the next page; one group alone is shown, however large it is."""
    bob = await identity.handle(ProvisionUser(admin, "bob"))
    both = frozenset({provisioned.user.user_id, bob.user.user_id})
    for name in ("A", "B", "C"):
        await identity.handle(ProvisionGroup(admin, name, "", both))
    for most, shown in ((6, ["A", "B", "C"]), (5, ["A", "B"]), (3, ["A"]), (1, ["A"])):
        monkeypatch.setattr(provisioning, "_MOST_MEMBERS", most)
        found = await identity.handle(FindProvisionedGroups(admin))
        assert [one.group.name for one in found.items] == shown
        assert found.total == 3
        assert all(len(one.members) == 2 for one in found.items)

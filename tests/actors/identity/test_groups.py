"""Groups: by message, on a real database."""

import pytest
from attrs import evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AddMember,
    Authenticate,
    CreateGroup,
    CreateTenant,
    CreateUser,
    DeleteGroup,
    FindGroups,
    Group,
    GroupNotFound,
    GroupTaken,
    ListGroups,
    ListMembers,
    RemoveMember,
    RenameGroup,
    TooManyGroups,
    User,
    UserNotFound,
)
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import GroupId, UserId
from bitvault.kernel.principal import Caller, Idempotency
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD, log_in
from tests.support.postgres import unchanged


@pytest.fixture
async def staff(identity: Identity, admin: Caller) -> Group:
    """Return a group without members."""
    made = await identity.handle(CreateGroup(admin, "Staff"))
    assert isinstance(made, Group)
    return made


@pytest.fixture
async def ann(identity: Identity, admin: Caller) -> User:
    """Return a user of the tenant."""
    made = await identity.handle(CreateUser(admin, "ann", PASSWORD))
    assert isinstance(made, User)
    return made


async def groups_of(identity: Identity, token: str) -> tuple[GroupId, ...]:
    """Return the groups that a principal carries."""
    principal = await identity.handle(Authenticate(token, ORIGIN))
    groups: tuple[GroupId, ...] = principal.groups
    return groups


@pytest.mark.requirement("X23")
async def test_a_principal_carries_its_groups_from_the_moment_they_change(
    identity: Identity, admin: Caller, staff: Group, ann: User
) -> None:
    """Put in, taken out, and out of a deleted group, though the principal is in the cache."""
    token = (await log_in(identity, "ann")).token
    other = await identity.handle(CreateGroup(admin, "Other"))
    seen = [await groups_of(identity, token)]
    for change in (
        AddMember(admin, staff.group_id, ann.user_id),
        AddMember(admin, other.group_id, ann.user_id),
        RemoveMember(admin, staff.group_id, ann.user_id),
        DeleteGroup(admin, other.group_id),
    ):
        await identity.handle(change)
        seen.append(await groups_of(identity, token))

    both = (staff.group_id, other.group_id)
    assert seen == [(), both[:1], both, both[1:], ()]


async def test_members_are_put_in_and_taken_out_as_often_as_one_likes(
    identity: Identity, admin: Caller, staff: Group, ann: User
) -> None:
    """Both are answered the same the second time."""
    add, remove = (kind(admin, staff.group_id, ann.user_id) for kind in (AddMember, RemoveMember))

    assert [await identity.handle(add) for _ in range(2)] == [ann, ann]
    assert (await identity.handle(ListMembers(admin, staff.group_id))).items == (ann,)
    assert [await identity.handle(remove) for _ in range(2)] == [None, None]
    assert (await identity.handle(ListMembers(admin, staff.group_id))).items == ()


async def test_groups_and_members_are_listed_page_by_page(
    identity: Identity, admin: Caller, staff: Group, ann: User
) -> None:
    """Groups by name whatever the case, members by age; a cursor belongs to its list."""
    await identity.handle(CreateGroup(admin, "accounting"))
    for user_id in (ann.user_id, admin.principal.user_id):
        await identity.handle(AddMember(admin, staff.group_id, user_id))

    first = await identity.handle(ListGroups(admin, limit=1))
    rest = await identity.handle(ListGroups(admin, first.next_cursor, 1))
    one = await identity.handle(ListMembers(admin, staff.group_id, limit=1))
    two = await identity.handle(ListMembers(admin, staff.group_id, one.next_cursor, 1))

    assert [group.name for group in (*first.items, *rest.items)] == ["accounting", "Staff"]
    assert [user.login for user in (*one.items, *two.items)] == ["root", "ann"]
    assert (rest.next_cursor, two.next_cursor) == (None, None)
    wrong = await identity.handle(ListMembers(admin, staff.group_id, first.next_cursor))
    assert isinstance(wrong, Invalid)
    assert wrong.field == "cursor"


async def test_groups_are_found_by_id_and_by_name(
    identity: Identity, admin: Caller, staff: Group, ann: User
) -> None:
    """Case does not count; what is not there is left out."""
    found = await identity.handle(FindGroups(admin, (ann.user_id, staff.group_id), ("STAFF", "x")))
    assert found == (staff,)


async def test_a_group_is_made_once_under_a_key(identity: Identity, admin: Caller) -> None:
    """The repeat answers the same group; another name under the key is refused."""
    keyed = evolve(admin, idempotency=Idempotency("k", b""))
    first, again = [await identity.handle(CreateGroup(keyed, "Staff")) for _ in range(2)]

    assert isinstance(first, Group)
    assert first == again
    assert await identity.handle(CreateGroup(keyed, "Crew")) == IdempotencyConflict()


async def test_a_group_may_be_renamed_in_case_alone(
    identity: Identity, admin: Caller, staff: Group
) -> None:
    """Its own name is not in its way."""
    renamed = await identity.handle(RenameGroup(admin, staff.group_id, "STAFF"))
    assert renamed == evolve(staff, name="STAFF")


async def test_what_is_refused_changes_no_row(
    identity: Identity, database: PostgresDatabase, admin: Caller, staff: Group, ann: User
) -> None:
    """Taken and bad names, groups and users that are not there, or are another tenant's."""
    await identity.handle(CreateGroup(admin, "Other"))
    await identity.handle(CreateTenant("rival", "spy", PASSWORD))
    spy_token = (await log_in(identity, "spy", "rival")).token
    spy = Caller(await identity.handle(Authenticate(spy_token, ORIGIN)), ORIGIN)
    foreign = await identity.handle(CreateGroup(spy, "Foreign"))
    nobody, nothing = UserId(staff.group_id), GroupId(ann.user_id)
    theirs = spy.principal.user_id
    async with unchanged(database, "identity"):
        refused = {
            GroupTaken: [CreateGroup(admin, "staff"), RenameGroup(admin, staff.group_id, "other")],
            Invalid: [CreateGroup(admin, "a\nb"), RenameGroup(admin, staff.group_id, " ")],
            UserNotFound: [AddMember(admin, staff.group_id, user) for user in (nobody, theirs)],
            GroupNotFound: [
                request
                for group in (nothing, foreign.group_id)
                for request in (
                    RenameGroup(admin, group, "New"),
                    DeleteGroup(admin, group),
                    AddMember(admin, group, ann.user_id),
                    RemoveMember(admin, group, ann.user_id),
                    ListMembers(admin, group),
                )
            ],
        }
        for kind, requests in refused.items():
            for request in requests:
                assert isinstance(await identity.handle(request), kind), request
    assert [group.name for group in (await identity.handle(ListGroups(spy))).items] == ["Foreign"]


@pytest.mark.requirement("X19")
async def test_only_admins_change_groups(
    identity: Identity, database: PostgresDatabase, admin: Caller, staff: Group, ann: User
) -> None:
    """A member reads them and no more."""
    user = evolve(admin, principal=evolve(admin.principal, is_admin=False))
    async with unchanged(database, "identity"):
        refused = [
            await identity.handle(request)
            for request in (
                CreateGroup(user, "Mine"),
                RenameGroup(user, staff.group_id, "Mine"),
                DeleteGroup(user, staff.group_id),
                AddMember(user, staff.group_id, ann.user_id),
                RemoveMember(user, staff.group_id, ann.user_id),
            )
        ]
    assert {type(one) for one in refused} == {Forbidden}
    assert (await identity.handle(ListGroups(user))).items == (staff,)


async def test_a_user_is_in_so_many_groups_and_no_more(
    identity: Identity,
    admin: Caller,
    staff: Group,
    ann: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A principal stays small; who is in already is no new member."""
    monkeypatch.setattr(rules, "MAX_GROUPS", 1)
    other = await identity.handle(CreateGroup(admin, "Other"))
    for _ in range(2):
        assert await identity.handle(AddMember(admin, staff.group_id, ann.user_id)) == ann

    refused = await identity.handle(AddMember(admin, other.group_id, ann.user_id))

    assert refused == TooManyGroups(1)
    assert (await identity.handle(ListMembers(admin, other.group_id))).items == ()

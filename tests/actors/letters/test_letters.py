"""Dead letters: seen and mended by the admins of their tenant, and by nobody else."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.letters.actor import Letters
from bitvault.actors.letters.contract import (
    DeadLetter,
    ListDeadLetters,
    Replay,
    ReplayDeadLetters,
    StillFailing,
)
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.backlog import CountBacklog
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.paging import Page
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Forbidden, Invalid, Unavailable
from tests.outbox.world import (
    IDS,
    NODE_A,
    NODE_B,
    Keeper,
    NodeTouched,
    effects,
    emit,
    new_loop,
    new_tenant,
)


def admin_of(tenant: TenantId) -> Caller:
    """Return an admin."""
    principal = Principal(tenant, UserId(IDS.uuid7()), "root", True, IDS.uuid7())
    return Caller(principal, Origin("request-1"))


async def poisoned(
    database: Database, nodes: Sequence[UUID], poison: set[int]
) -> tuple[Caller, Keeper]:
    """Let a new tenant's nodes be touched, and the keeper choke on some."""
    tenant, keeper = new_tenant(), Keeper(poison=poison)
    await emit(database, tenant, *[NodeTouched(node, at) for at, node in enumerate(nodes)])
    await new_loop(database, keeper).catch_up(tenant)
    return admin_of(tenant), keeper


async def listed(room: Letters, request: ListDeadLetters) -> list[DeadLetter]:
    """Follow the pages of a list to their end."""
    page = await room.handle(request)
    assert isinstance(page, Page)
    if page.next_cursor is None:
        return list(page.items)
    return [*page.items, *await listed(room, evolve(request, cursor=page.next_cursor))]


async def test_the_list_says_what_failed_and_what_waits_behind_it(database: Database) -> None:
    """Consumer, place, kind, error, attempts and since; in order, over all pages."""
    admin, keeper = await poisoned(database, [NODE_A, NODE_B, NODE_A], {1})
    room = Letters(database, {"keeper": keeper})

    first, second = await listed(room, ListDeadLetters(admin, limit=1))

    assert (first.consumer, first.seq, first.kind) == ("keeper", 1, "node.touched")
    assert (first.aggregate_id, first.attempts) == (NODE_A, 5)
    assert first.error == "ValueError: cannot digest 1"
    assert first.since.tzinfo is not None
    assert (second.seq, second.attempts) == (3, 0)
    assert "waits behind" in second.error


async def test_a_replay_applies_what_can_be_applied(database: Database) -> None:
    """One aggregate is mended, the other fails again: its letters stay, with the new count."""
    admin, keeper = await poisoned(database, [NODE_A, NODE_B, NODE_A, NODE_B], {1, 2})
    room = Letters(database, {"keeper": keeper})
    keeper.poison = {4}

    done = await room.handle(ReplayDeadLetters(admin))

    failing = StillFailing("keeper", NODE_B, 4, "ValueError: cannot digest 4")
    assert done == Replay(2, (failing,), None)
    assert await effects(database, admin.tenant_id) == [1, 3]
    left = await listed(room, ListDeadLetters(admin))
    assert [(one.seq, one.attempts) for one in left] == [(2, 5), (4, 1)]
    keeper.poison.clear()
    assert await room.handle(ReplayDeadLetters(admin)) == Replay(2, (), None)
    assert await room.handle(ReplayDeadLetters(admin)) == Replay(0, (), None)
    assert sorted(await effects(database, admin.tenant_id)) == [1, 2, 3, 4]


async def test_one_aggregate_of_one_consumer_can_be_replayed_alone(database: Database) -> None:
    """The others keep waiting."""
    admin, keeper = await poisoned(database, [NODE_A, NODE_B], {1, 2})
    room = Letters(database, {"keeper": keeper, "zombie": Keeper(name="zombie")})
    keeper.poison.clear()

    done = await room.handle(ReplayDeadLetters(admin, "keeper", NODE_B))

    assert done == Replay(1, (), None)
    assert [one.seq for one in await listed(room, ListDeadLetters(admin))] == [1]


async def test_much_is_done_piece_by_piece(database: Database) -> None:
    """A request does a bounded piece; following the cursor does all, each event once, in order."""
    nodes = [IDS.uuid7() for _ in range(120)]
    admin, keeper = await poisoned(database, [*nodes, *[NODE_A] * 1100], set(range(1, 122)))
    room = Letters(database, {"keeper": keeper})
    keeper.poison.clear()
    keeper.tried.clear()

    pieces, request = [], ReplayDeadLetters(admin)
    while True:
        done = await room.handle(request)
        pieces.append(done.applied)
        if done.next_cursor is None:
            break
        request = evolve(request, cursor=done.next_cursor)

    assert sum(pieces) == len(keeper.tried) == len(set(keeper.tried)) == 1220
    assert max(pieces) < 1220
    of_one = [seq for seq in keeper.tried if seq > 120]
    assert of_one == sorted(of_one)
    assert await listed(room, ListDeadLetters(admin)) == []


@pytest.mark.requirement("X17")
async def test_another_tenants_letters_are_neither_seen_nor_touched(database: Database) -> None:
    """A foreign aggregate has no letters, like one that does not exist."""
    owner, keeper = await poisoned(database, [NODE_A], {1})
    stranger, room = admin_of(new_tenant()), Letters(database, {"keeper": keeper})
    keeper.poison.clear()

    assert await listed(room, ListDeadLetters(stranger)) == []
    invented = IDS.uuid7()
    for aggregate in (NODE_A, invented, None):
        asked = ReplayDeadLetters(stranger, aggregate_id=aggregate)
        assert await room.handle(asked) == Replay(0, (), None)
    assert len(await listed(room, ListDeadLetters(owner))) == 1


async def test_only_admins_may(database: Database) -> None:
    """Anybody else of the tenant is refused, and nothing is applied."""
    admin, keeper = await poisoned(database, [NODE_A], {1})
    user = evolve(admin, principal=evolve(admin.principal, is_admin=False))
    room = Letters(database, {"keeper": keeper})

    assert await room.handle(ListDeadLetters(user)) == Forbidden("read dead letters")
    assert await room.handle(ReplayDeadLetters(user)) == Forbidden("replay dead letters")
    assert len(await listed(room, ListDeadLetters(admin))) == 1


@pytest.mark.parametrize("cursor", ["x", "WyJhIiwieCJd", "WzFd"])
async def test_a_forged_cursor_or_consumer_is_refused_by_name(
    database: Database, cursor: str
) -> None:
    """The field is named, and for a consumer the ones there are."""
    room, admin = Letters(database, {"keeper": Keeper()}), admin_of(new_tenant())

    for request in (ListDeadLetters(admin, cursor=cursor), ReplayDeadLetters(admin, cursor=cursor)):
        refusal = await room.handle(request)
        assert isinstance(refusal, Invalid)
        assert refusal.field == "cursor"
    unknown = Invalid("consumer", "must be one of keeper")
    assert await room.handle(ListDeadLetters(admin, "nobody")) == unknown
    assert await room.handle(ReplayDeadLetters(admin, "nobody")) == unknown


async def test_a_dependency_that_is_down_counts_nothing(database: Database) -> None:
    """The answer is retryable, and the letters are as they were."""
    admin, keeper = await poisoned(database, [NODE_A], {1})
    room = Letters(database, {"keeper": keeper})
    keeper.poison.clear()
    keeper.down = 1

    assert await room.handle(ReplayDeadLetters(admin)) == Unavailable("index")
    assert [one.attempts for one in await listed(room, ListDeadLetters(admin))] == [5]


async def test_what_waits_is_counted_for_the_relay_and_each_consumer(database: Database) -> None:
    """How many events, since when, and how many letters: of all tenants, and nobody's name."""
    _, keeper = await poisoned(database, [NODE_A, NODE_B, NODE_A], {1})
    room = Letters(database, {"keeper": keeper, "idle": Keeper(name="idle")})
    counted = await room.handle(CountBacklog())

    assert {name: (one.waiting, one.given_up) for name, one in counted.items()} == {
        "relay": (3, 0),
        "keeper": (0, 2),
        "idle": (3, 0),
    }
    assert counted["keeper"].since is None
    assert counted["idle"].since is not None

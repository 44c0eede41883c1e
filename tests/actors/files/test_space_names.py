"""Two that want one name for a team space at once: one gets it, the other is told."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from bitvault.actors.files import contract as c
from bitvault.kernel.ids import SpaceId, UserId
from tests.actors.files.conftest import World
from tests.actors.files.test_concurrency import overtaken

ANN = UserId(UUID(int=1))
NAME = "Files of user1"
WAYS = ("rename", "create", "pass on")
PAIRS = [(one, two) for one in WAYS for two in WAYS if (one, two) != ("pass on", "pass on")]
"""A user has one personal space to pass on."""


async def _named(world: World, name: str) -> SpaceId:
    made = await world.ask(c.CreateSpace(world.caller(3, admin=True), name))
    space_id: SpaceId = made.space_id
    return space_id


def _ways(world: World, space_id: SpaceId) -> dict[str, Callable[[], Awaitable[Any]]]:
    admin = world.caller(3, admin=True)
    return {
        "rename": lambda: world.ask(c.UpdateSpace(admin, space_id, NAME)),
        "create": lambda: world.ask(c.CreateSpace(admin, NAME)),
        "pass on": lambda: world.ask(c.PassOn(admin, ANN, "user1")),
    }


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_a_name_that_is_being_taken_is_taken(world: World, first: str, second: str) -> None:
    """Whoever comes second is refused, or passes the files on under the next name."""
    await world.ask(c.GetSpace(world.caller(1)))
    one, two = await _named(world, "One"), await _named(world, "Two")

    won, lost = await overtaken(world, _ways(world, one)[first], _ways(world, two)[second])

    assert won.name == NAME
    if second == "pass on":
        assert lost.name == f"{NAME} (2)"
    else:
        assert lost == c.SpaceTaken(NAME)

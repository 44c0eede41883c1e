"""What is stored of an event is read for as long as the platform lives."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

import pytest
from attrs import frozen

from bitvault.drivers.postgres.port import Database
from bitvault.kernel.events import Event
from bitvault.outbox.coding import decode, encode
from tests.outbox.world import NODE_A, NODE_B, NodeTouched, emit, new_tenant, stored


def _with_full_name(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**fields, "name": f"{fields['first']} {fields['last']}"}


def _with_size(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**fields, "size": int(fields["bytes"])}


@frozen
class Renamed(Event):
    """Had two names once, and its size as text."""

    kind: ClassVar[str] = "node.renamed"
    schema: ClassVar[int] = 3
    upcasts: ClassVar[Mapping[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {
        1: _with_full_name,
        2: _with_size,
    }
    name: str
    size: int
    parent_id: UUID | None = None


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (1, '{"first": "Ada", "last": "L", "bytes": "7"}'),
        (2, '{"name": "Ada L", "bytes": "7"}'),
        (3, '{"name": "Ada L", "size": 7}'),
        (3, '{"name": "Ada L", "size": 7, "parent_id": null, "of_tomorrow": true}'),
    ],
    ids=["1", "2", "3", "later field"],
)
def test_every_version_becomes_the_present_one(version: int, payload: str) -> None:
    """One step after the other; a field that was not there has its default."""
    assert decode(Renamed, version, NODE_A, 5, payload) == Renamed(NODE_A, 5, "Ada L", 7)


@pytest.mark.parametrize(
    ("version", "payload", "why"),
    [
        (4, "{}", "node.renamed: version 4 is later than 3"),
        (3, '{"name": "a"}', "node.renamed of version 3: .* `size`"),
        (3, '{"name": 7, "size": 7}', "node.renamed of version 3: Expected `str`"),
    ],
    ids=["later version", "missing field", "wrong type"],
)
def test_what_the_class_cannot_take_is_an_error(version: int, payload: str, why: str) -> None:
    """It says which event and which field."""
    with pytest.raises(ValueError, match=why):
        decode(Renamed, version, NODE_A, 5, payload)


async def test_an_event_is_stored_with_its_version(database: Database) -> None:
    """And comes back equal."""
    tenant, renamed = new_tenant(), Renamed(NODE_A, 5, "n", 7, NODE_B)
    await emit(database, tenant, renamed, NodeTouched(NODE_A, 6))

    first, second = await stored(database, tenant)

    assert (first.version, second.version) == (3, 1)
    assert first.decoded({Renamed.kind: Renamed}).event == renamed
    assert decode(Renamed, 3, NODE_A, 5, encode(renamed)) == renamed

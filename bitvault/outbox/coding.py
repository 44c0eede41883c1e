"""Events as they are stored: their fields as JSON, with the version they were written in.

The one place where an old version becomes the present one.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import attrs
import msgspec
from msgspec import json

from bitvault.kernel.events import Event

_COLUMNS = frozenset({"aggregate_id", "revision"})
"""What has a column of its own."""

Classes = Mapping[str, type[Event]]
"""Events by kind."""


def classes_of(events: Collection[type[Event]]) -> Classes:
    """Return events by kind."""
    return {one.kind: one for one in events}


def encode(event: Event) -> str:
    """Return an event's own fields as JSON."""
    fields = attrs.asdict(event, filter=lambda attribute, _: attribute.name not in _COLUMNS)
    return json.encode(fields).decode()


def decode(
    kind: type[Event], version: int, aggregate_id: UUID, revision: int, payload: str
) -> Event:
    """Return the event that was stored in some version, as it is told today.

    Raises:
        ValueError: A later version, or fields that the class cannot take.
    """
    if version > kind.schema:
        raise ValueError(f"{kind.kind}: version {version} is later than {kind.schema}")
    fields: Mapping[str, Any] = json.decode(payload)
    for older in range(version, kind.schema):
        fields = kind.upcasts[older](fields)
    columns = {"aggregate_id": aggregate_id, "revision": revision}
    try:
        return msgspec.convert({**fields, **columns}, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind.kind} of version {version}: {error}") from error

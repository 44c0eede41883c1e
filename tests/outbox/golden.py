"""Samples of every event as it was ever stored: ``make golden`` adds what is new, and only that."""

import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any, get_args
from uuid import NAMESPACE_URL, UUID, uuid5

import attrs
from msgspec import json

from bitvault.kernel.events import Event
from bitvault.outbox.coding import decode, encode

PLACE = Path(__file__).with_name("events.json")
AGGREGATE, REVISION = UUID(int=0xA), 3
Sample = Mapping[str, Any]
"""``schema``, the ``fields`` with their types, and what is ``stored``."""


def kept() -> Mapping[str, Sequence[Sample]]:
    """Return the samples by kind, the oldest first."""
    found: Mapping[str, Sequence[Sample]] = json.decode(PLACE.read_bytes())
    return found


def fields_of(kind: type[Event]) -> dict[str, str]:
    """Return the names and types of an event's own fields."""
    return {
        one.name: " | ".join(sorted(_names(one.type)))
        for one in attrs.fields(kind)
        if one.name not in {"aggregate_id", "revision"}
    }


def _names(type_: Any) -> Collection[str]:
    arms = get_args(type_) or (type_,)
    return {"None" if arm is NoneType else arm.__name__ for arm in arms}


def sample_of(kind: type[Event]) -> Sample:
    """Make a sample of an event as it is today, with something in every field."""
    values = {name: _value(name, type_) for name, type_ in fields_of(kind).items()}
    event = kind(AGGREGATE, REVISION, **values)
    return {"schema": kind.schema, "fields": fields_of(kind), "stored": json.decode(encode(event))}


def _value(name: str, type_: str) -> Any:
    values: Mapping[str, Any] = {
        "str": name,
        "int": len(name),
        "bool": True,
        "float": 2.5,
        "UUID": uuid5(NAMESPACE_URL, name),
        "datetime": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    }
    return values[next(one for one in type_.split(" | ") if one != "None")]


def what_breaks(sample: Sample, kind: type[Event]) -> str:
    """Say why events that were stored like a sample cannot be read any more; "" if they can."""
    now, schema = fields_of(kind), kind.schema
    if sample["schema"] == schema:
        for name, type_ in sample["fields"].items():
            if not set(type_.split(" | ")) <= set(now.get(name, "").split(" | ")):
                return (
                    f"{kind.kind}: `{name}` was removed or has another type, but there are stored "
                    f"events: set `schema` to {schema + 1}, give `upcasts` a step from {schema}, "
                    "and run `make golden`"
                )
    try:
        stored = json.encode(sample["stored"]).decode()
        event = decode(kind, sample["schema"], AGGREGATE, REVISION, stored)
    except (ValueError, KeyError) as error:
        return f"{kind.kind}: an event of version {sample['schema']} cannot be read: {error!r}"
    told: Mapping[str, Any] = json.decode(encode(event))
    if sample["schema"] == schema and not told.items() >= sample["stored"].items():
        return f"{kind.kind}: is not stored as it was: {told} instead of {sample['stored']}"
    return ""


def is_new(samples: Sequence[Sample], kind: type[Event]) -> bool:
    """Say whether no sample has the fields of today."""
    today = kind.schema, fields_of(kind)
    return not any((one["schema"], one["fields"]) == today for one in samples)


def renew(events: Collection[type[Event]]) -> list[str]:
    """Add samples of what is new; return what breaks, and then add nothing."""
    samples = {kind: list(ones) for kind, ones in kept().items()} if PLACE.exists() else {}
    broken = [what_breaks(one, kind) for kind in events for one in samples.get(kind.kind, ())]
    if any(broken):
        return [one for one in broken if one]
    for kind in events:
        if is_new(samples.get(kind.kind, ()), kind):
            samples.setdefault(kind.kind, []).append(sample_of(kind))
    PLACE.write_bytes(json.format(json.encode(samples, order="sorted"), indent=1) + b"\n")
    return []


if __name__ == "__main__":
    from bitvault.manifest import events_of
    from bitvault.services import SERVICES

    sys.exit("\n".join(renew(events_of(SERVICES))) or 0)

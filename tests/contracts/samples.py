"""Values of every type that a contract uses: each choice and each end of what it may be."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from enum import Enum, Flag
from itertools import cycle
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from bitvault.kernel.codec import class_of, is_tagged
from bitvault.kernel.refusal import Refusal

_LEAVES: Mapping[Any, Sequence[Any]] = {
    str: ("", 'a "b" \\ \n \x01 ä 𝄞 {"node": 1}'),
    bool: (True, False),
    int: (0, -(1 << 63), (1 << 63) - 1),
    float: (0.0, 0.1, -1e300),
    bytes: (b"", bytes(range(256))),
    UUID: (UUID(int=0), UUID(int=(1 << 128) - 1)),
    datetime: (datetime(2026, 1, 2, 3, 4, 5, 678, UTC), datetime(1, 1, 2, tzinfo=UTC)),
    timedelta: (timedelta(0), timedelta(days=400, microseconds=1)),
    type(None): (None,),
    Any: ("text", None, 7, {"a": [True, 0.5, {}]}),
}


def samples(kind: Any, refusals: Sequence[type]) -> list[Any]:
    """Return values of a type, which take each of its choices at least once."""
    if is_tagged(kind) or type(None) in get_args(kind):
        choices = get_args(kind) or (kind,)
        listed = [one for one in choices if one is not Refusal]
        listed += refusals if Refusal in choices else []
        return [value for one in listed for value in samples(one, refusals)]
    named = class_of(kind)
    if named in _LEAVES:
        return list(_LEAVES[named])
    if attrs.has(named):
        return _instances(kind, named, refusals)
    if issubclass(named, Enum):
        return [*named, *([~named(0)] if issubclass(named, Flag) else [])]
    inside = [samples(one, refusals) for one in get_args(kind) if one is not Ellipsis]
    if named is tuple and Ellipsis not in get_args(kind):
        return list(zip(*inside, strict=False))
    return _collections(named, inside)


def _collections(named: type, inside: list[list[Any]]) -> list[Any]:
    if issubclass(named, Mapping):
        keys, values = inside
        return [{}, dict(zip(keys, cycle(values), strict=False))]
    if issubclass(named, AbstractSet):
        return [frozenset(), frozenset(inside[0])]
    return [(), tuple(inside[0])]


def _instances(kind: Any, named: type, refusals: Sequence[type]) -> list[Any]:
    """Give each field each of its samples; neighbours do not walk in step."""
    hints = get_type_hints(named)
    names = {one.name: one.alias for one in attrs.fields(named)}
    columns = [samples(_filled(hints[name], kind), refusals) for name in names]
    count = max(map(len, columns), default=1)
    rows = (
        [column[(at + shift) % len(column)] for shift, column in enumerate(columns)]
        for at in range(count)
    )
    return [named(**dict(zip(names.values(), row, strict=True))) for row in rows]


def _filled(hint: Any, kind: Any) -> Any:
    """Put what a generic class was made with where its field says T."""
    origin = get_origin(kind)
    if origin is None or not getattr(hint, "__parameters__", ()):
        return hint
    given = dict(zip(origin.__parameters__, get_args(kind), strict=True))
    return hint[tuple(given[one] for one in hint.__parameters__)]

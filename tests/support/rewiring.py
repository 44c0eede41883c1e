"""Gives a running service other ports than it was made with."""

from collections.abc import Iterator
from typing import Any

from attrs import fields, fields_dict, has


def rewire(service: object, **ports: Any) -> None:
    """Replace these ports in a service and in each of its parts that has them."""
    for part in list(_parts_of(service)):
        for name in ports.keys() & fields_dict(type(part)).keys():
            old, new = getattr(part, name), ports[name]
            # A part may have the name of a port that another part has.
            if not _is_part(part, old) or isinstance(new, type(old)):
                setattr(part, name, new)


def _parts_of(part: Any) -> Iterator[Any]:
    """List a part and those that it is composed of."""
    yield part
    for one in fields(type(part)):
        inner = getattr(part, one.name)
        if _is_part(part, inner):
            yield from _parts_of(inner)


def _is_part(owner: object, inner: object) -> bool:
    """Say whether something is of the same service's actor."""
    return has(type(inner)) and _actor(inner) == _actor(owner)


def _actor(part: object) -> list[str]:
    return type(part).__module__.split(".")[:4]

"""What the SCIM routes have in common: which resources are looked for, and how lists are shown."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from attrs import frozen
from msgspec import Meta, Struct

from bitvault.http.call import Call, Reply
from bitvault.http.scim import about, filters, shapes
from bitvault.kernel.request import Request
from bitvault.wire import scim as wire

_IDS = {"user_id", "group_id", "member"}
Names = Annotated[str, Meta(max_length=1024, description="Names of attributes, by commas.")]


class Chosen(Struct, frozen=True, rename="camel", kw_only=True):
    """Which attributes to show."""

    attributes: Names = ""
    excluded_attributes: Names = ""


class Found(Chosen, frozen=True, kw_only=True):
    """What is looked for, and which part of it to show: from 1, as RFC 7644 §3.4.2.4 counts."""

    filter: Annotated[
        str, Meta(max_length=2048, description='As in: userName eq "ann"', examples=['id eq "7"'])
    ] = ""
    start_index: Annotated[int, Meta(ge=-(1 << 31), lt=1 << 31)] = 1
    count: Annotated[int, Meta(ge=-(1 << 31), lt=1 << 31)] = 100


@frozen
class Kind:
    """A kind of resource that is looked for in lists."""

    found_by: Mapping[str, str]
    """Attributes that a filter may name, in lower case, to what the request calls them."""
    find: Callable[..., Request[Any, Any]]
    """Makes the request, of the caller, what is looked for, and what was found in the filter."""
    show: Callable[[Any], wire.User | wire.Group]
    page: type[wire.Users | wire.Groups]


def fitting(query: Found, known: Mapping[str, str]) -> dict[str, Any] | None:
    """Read what is looked for; None: nothing can fit."""
    if not query.filter:
        return {}
    given: dict[str, Any] = dict(filters.parse(query.filter, known))
    for name in _IDS & given.keys():
        try:
            given[name] = UUID(given[name])
        except ValueError:
            return None
    return given


def query(search: wire.Search) -> Found:
    """Read what a search has in its body."""
    return Found(
        filter=search.filter,
        start_index=search.start_index,
        count=search.count,
        attributes=",".join(search.attributes),
        excluded_attributes=",".join(search.excluded_attributes),
    )


def part(query: Found) -> tuple[int, int]:
    """Return how many to pass over, and how many to show at most."""
    return max(1, query.start_index) - 1, max(0, min(query.count, about.MAX_RESULTS))


async def matches(call: Call[Any, Any], query: Found, kind: Kind) -> Reply:
    """Answer the part that is asked for of what fits."""
    given = fitting(query, kind.found_by)
    if given is None:
        return _listed(query, kind, 0, ())
    offset, limit = part(query)
    found = await call.ask(kind.find(call.caller, query, **given, offset=offset, limit=limit))
    return _listed(query, kind, found.total, tuple(map(kind.show, found.items)))


def _listed(query: Found, kind: Kind, total: int, found: tuple[Any, ...]) -> Reply:
    page = kind.page(
        schemas=(wire.LISTED,),
        total_results=total,
        start_index=max(1, query.start_index),
        items_per_page=len(found),
        resources=tuple(choose(one, query) for one in found),
    )
    return Reply(200, page)


def names(text: str) -> frozenset[str]:
    """Read names of attributes, in lower case and without their schema."""
    return frozenset(filters.plain(name.strip()).lower() for name in text.split(",") if name)


def choose(resource: Any, query: Chosen) -> Any:
    """Show what was asked for of a resource."""
    return shapes.chosen(resource, names(query.attributes), names(query.excluded_attributes))


def one(resource: wire.User | wire.Group, status: int = 200) -> Reply:
    """Answer one resource, and where it is."""
    location = resource.meta.location if isinstance(resource.meta, wire.About) else ""
    return Reply(status, resource, {"Location": location})

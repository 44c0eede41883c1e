"""Query strings and answers that several routes share."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from msgspec import Meta, Struct

from bitvault.http.call import Reply
from bitvault.kernel.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from bitvault.wire import fields
from bitvault.wire.fields import Path

T = TypeVar("T")

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[
    str, Meta(min_length=1, max_length=2048, description="nextCursor of the page before.")
]


class Paged(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """One page of a list."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class PagedSpace(Paged, frozen=True, kw_only=True):
    """One page of a list of a space; the personal one by default."""

    space_id: UUID | None = None


class PagedSpaces(Paged, frozen=True, kw_only=True):
    """One page of the list of spaces."""

    all: Annotated[
        bool, Meta(description="Every team space of the tenant, by name; for its admins.")
    ] = False


class PagedPath(Paged, frozen=True, kw_only=True):
    """One page of the folder at a path."""

    path: Path
    space_id: UUID | None = None


def page_reply(page: Page[T], show: Callable[[T], object]) -> Reply:
    """Answer a page of a room with the same page of shapes."""
    items = tuple(show(item) for item in page.items)
    return Reply(200, fields.Page(items=items, next_cursor=page.next_cursor))


def tagged_reply(value: T, show: Callable[[T], Any], status: int = 200) -> Reply:
    """Answer what a room says as a shape that has a tag."""
    shown = show(value)
    return Reply(status, shown, {"ETag": shown.etag})


def list_reply(items: tuple[object, ...], cursor: str | None = None) -> Reply:
    """Answer a list of shapes."""
    return Reply(200, fields.Page(items=items, next_cursor=cursor))

"""Keyset paging: a page and an opaque cursor that names the last row seen, never an offset."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from attrs import frozen

from bitvault.kernel.refusal import Invalid, Refused

T = TypeVar("T")

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_MAX_CURSOR = 2048
FIRST_ID = UUID(int=0)
NOT_OF_THIS_LIST = Invalid("cursor", "is not a cursor of this list; start without one")


@frozen
class Page(Generic[T]):
    """One page of a list, in its stable order; ``next_cursor`` is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode_cursor(key: Sequence[str | int], name: Sequence[str] = ()) -> str:
    """Render the sort key of a page's last row, of the list ``name``, as an opaque string."""
    return urlsafe_b64encode(msgspec.json.encode([*name, *key])).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type], name: Sequence[str] = ()) -> list[str | int]:
    """Read the cursor of the list ``name`` back; ``kinds`` are the types its key must have.

    Raises:
        Refused: with ``Invalid("cursor", ...)`` when it is not one this list gave out.
    """
    refused = Refused(NOT_OF_THIS_LIST)
    if len(cursor) > _MAX_CURSOR:
        raise refused
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        key = msgspec.json.decode(raw, type=list[str | int])
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise refused from error
    listed, key = key[: len(name)], key[len(name) :]
    if listed != list(name) or [type(part) for part in key] != list(kinds):
        raise refused
    if not all(map(_is_storable, key)):
        raise refused
    return key


def bigint_in(part: str | int | UUID) -> int:
    """Read a number that is a part of a cursor's key.

    Raises:
        Refused: with ``Invalid("cursor", ...)`` when PostgreSQL could not compare with it.
    """
    if not isinstance(part, int) or not _is_storable(part):
        raise Refused(NOT_OF_THIS_LIST)
    return part


def id_in(part: str | int | UUID) -> UUID:
    """Read an id that is a part of a cursor's key.

    Raises:
        Refused: with ``Invalid("cursor", ...)`` when it is none.
    """
    try:
        return UUID(str(part))
    except ValueError as error:
        raise Refused(NOT_OF_THIS_LIST) from error


def after_id(cursor: str | None, name: Sequence[str], first: UUID = FIRST_ID) -> UUID:
    """Return the id that the next page of the list ``name`` comes after; ``first`` for the first.

    Raises:
        Refused: with ``Invalid("cursor", ...)`` when it is not one this list gave out.
    """
    return first if cursor is None else id_in(decode_cursor(cursor, [str], name)[0])


def after_text(cursor: str | None, name: Sequence[str]) -> str:
    """Return the text that the next page of the list ``name`` comes after.

    Raises:
        Refused: with ``Invalid("cursor", ...)`` when it is not one this list gave out.
    """
    return "" if cursor is None else str(decode_cursor(cursor, [str], name)[0])


def page_size(limit: int) -> int:
    """Return how many rows a page has of which ``limit`` are asked for."""
    return max(1, min(limit, MAX_LIMIT))


def _is_storable(part: str | int) -> bool:
    """Return whether PostgreSQL can compare with it: no NUL in a text, a bigint for a number."""
    if isinstance(part, int):
        return -(1 << 63) <= part < 1 << 63
    return "\0" not in part


def page_of(
    rows: Sequence[T],
    limit: int,
    key: "Sequence[Sequence[str | int]]",
    name: Sequence[str] = (),
) -> Page[T]:
    """Cut ``limit + 1`` fetched rows to a page; ``key[i]`` is the sort key of ``rows[i]``.

    A ``name`` makes the cursors good for this list only.
    """
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    return Page(tuple(rows[:limit]), encode_cursor(key[limit - 1], name))

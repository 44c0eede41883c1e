"""Pages of those who have access, who come from grants and from a space's members."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from bitvault.actors.sharing.contract import Grantee, GranteeKind, Holder
from bitvault.kernel.paging import (
    FIRST_ID,
    NOT_OF_THIS_LIST,
    Page,
    decode_cursor,
    encode_cursor,
    id_in,
)
from bitvault.kernel.refusal import Refused

Place = tuple[str, UUID]
"""Of a grantee in the list: the kind and the id. Users, and with them members, are the last."""

_START: Place = ("", FIRST_ID)


def after_holder(cursor: str | None, name: Sequence[str]) -> Place:
    """Return the place that the next page comes after.

    Raises:
        Refused: ``Invalid`` naming the cursor.
    """
    if cursor is None:
        return _START
    kind, grantee_id = decode_cursor(cursor, [str, str], name)
    if kind not in set(GranteeKind):
        raise Refused(NOT_OF_THIS_LIST)
    return str(kind), id_in(grantee_id)


def first_user(after: Place) -> UUID:
    """Return the user id that those on the next page come after."""
    kind, grantee_id = after
    return grantee_id if kind == GranteeKind.USER else FIRST_ID


def page_of_holders(
    found: Iterable[Holder], after: Place, last: UUID | None, limit: int, name: Sequence[str]
) -> Page[Holder]:
    """Cut a page of those who come after a place.

    ``last`` is the last member of the space that ``found`` knows of; None: it knows all. What it
    says of users after that one may lack what they have as members.
    """
    end = None if last is None else (GranteeKind.USER.value, last)
    rest = [
        one
        for one in sorted(found, key=lambda one: place_of(one.grantee))
        if (place := place_of(one.grantee)) > after and (end is None or place <= end)
    ]
    if len(rest) > limit:
        end = place_of(rest[limit - 1].grantee)
    cursor = None if end is None else encode_cursor([end[0], str(end[1])], name)
    return Page(tuple(rest[:limit]), cursor)


def place_of(grantee: Grantee) -> Place:
    """Return a grantee's place in the list."""
    return grantee.kind.value, grantee.grantee_id

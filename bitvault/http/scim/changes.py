"""What the steps of a PATCH come to (RFC 7644 §3.5.2): all of it is one change of one resource.

Attributes that this server does not keep are passed over: a directory sends all it has, and must
not fail for it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from attrs import evolve, field, frozen
from msgspec import UNSET

from bitvault.actors.identity.contract import Membership
from bitvault.edge.rejections import invalid
from bitvault.http.scim.filters import plain, text_of
from bitvault.wire.scim import FullName, Operation

_ONE: Final = re.compile(
    r'members\[\s*value\s+eq\s+(?P<value>"[^"\\]{1,64}")\s*\](?:\.value)?', re.IGNORECASE
)
_TRUTH: Final = {"true": True, "false": False}
_MAX_MEMBERS: Final = 10_000


@frozen
class UserChange:
    """What is to be different about a user; None stays, empty text goes."""

    login: str | None = None
    external_id: str | None = None
    display_name: str | None = None
    is_active: bool | None = None


@frozen
class GroupChange:
    """What is to be different about a group; None stays, empty text goes."""

    name: str | None = None
    external_id: str | None = None
    members: Membership = field(factory=Membership)


def user_change(operations: Sequence[Operation]) -> UserChange:
    """Add up the steps of a change of a user.

    Raises:
        Rejected: ``invalid`` for a value of the wrong kind, or one that cannot go.
    """
    change = UserChange()
    named = ""
    for name, value in _values(operations):
        match name:
            case "username":
                change = evolve(change, login=_text("userName", value))
            case "externalid":
                change = evolve(change, external_id=_text("externalId", value or ""))
            case "displayname":
                change = evolve(change, display_name=_text("displayName", value or ""))
            case "name":
                named = full_name(_full(value))
            case "name.formatted":
                named = _text("name.formatted", value or "")
            case "active":
                change = evolve(change, is_active=_truth(value))
    if named and change.display_name is None:
        change = evolve(change, display_name=named)
    return change


def _full(value: Any) -> FullName:
    try:
        return msgspec.convert({} if value is None else value, FullName)
    except msgspec.ValidationError as error:
        raise invalid("name", "must be an object of texts") from error


def full_name(name: FullName | None) -> str:
    """Return a name in one piece; empty when none is said."""
    if name is None:
        return ""
    parts = " ".join(part for part in (name.given_name, name.family_name) if part)
    return name.formatted or parts


def group_change(operations: Sequence[Operation]) -> GroupChange:
    """Add up the steps of a change of a group.

    Raises:
        Rejected: ``invalid`` for a value of the wrong kind, or one that cannot go.
    """
    change = GroupChange()
    for operation in operations:
        if (one := _one_member(operation)) is not None:
            change = evolve(change, members=_reseated(change.members, operation, one))
            continue
        for name, value in _values([operation]):
            match name:
                case "displayname":
                    change = evolve(change, name=_text("displayName", value))
                case "externalid":
                    change = evolve(change, external_id=_text("externalId", value or ""))
                case "members" if operation.op.lower() == "remove":
                    # As Entra has it: the value says who is to go. Without one it is everybody.
                    change = evolve(change, members=_unseated(change.members, operation.value))
                case "members":
                    named = _named(value)
                    change = evolve(change, members=_reseated(change.members, operation, named))
    return change


def _unseated(was: Membership, value: Any) -> Membership:
    """Take out those that a value names; null is no value (RFC 7643 §2.5), an empty list nobody."""
    return Membership(anew=frozenset()) if value in (None, UNSET) else _without(was, _named(value))


def _without(was: Membership, members: frozenset[UUID]) -> Membership:
    anew = None if was.anew is None else was.anew - members
    return Membership(anew, was.added - members, was.removed | members)


def _reseated(was: Membership, operation: Operation, members: frozenset[UUID]) -> Membership:
    match operation.op.lower():
        case "add":
            return Membership(was.anew, was.added | members, was.removed - members)
        case "replace":
            return Membership(anew=members)
    return _without(was, members)


def _one_member(operation: Operation) -> frozenset[UUID] | None:
    """Say which member a step is about by its path; None: it is about something else."""
    path = plain(operation.path or "")
    match = _ONE.fullmatch(path)
    if match is None:
        # Not passed over: a directory would think that the member is gone.
        if path.lower().startswith(("members[", "members.")):
            raise invalid("path", 'names members as members[value eq "ID"] alone')
        return None
    if operation.op.lower() == "replace":
        raise invalid("path", "names one member, who can be added or removed, not replaced")
    return _named([{"value": text_of("path", match["value"])}])


def _named(value: Any) -> frozenset[UUID]:
    if value is None:
        raise invalid("members", "must be a list, which may be empty, not null")
    listed = value if isinstance(value, list) else [value]
    if len(listed) > _MAX_MEMBERS:
        raise invalid("members", f"must be at most {_MAX_MEMBERS} at once")
    try:
        return frozenset(UUID(one["value"] if isinstance(one, dict) else one) for one in listed)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise invalid("members", "must name each by value, the id of a user") from error


def _values(operations: Iterable[Operation]) -> Iterator[tuple[str, Any]]:
    """Yield every attribute that is set, by its name in lower case; None: it is to go.

    To add null is to add nothing.
    """
    for operation in operations:
        op = operation.op.lower()
        if op != "remove" and operation.value is UNSET:
            raise invalid("value", f"is required to {op} something")
        if op == "add" and operation.value is None:
            continue
        if operation.path:
            yield plain(operation.path).lower(), None if op == "remove" else operation.value
        elif op == "remove":
            raise invalid("path", "is required to remove something")
        elif isinstance(operation.value, dict):
            for name, value in operation.value.items():
                if op != "add" or value is not None:
                    yield plain(name).lower(), value
        else:
            raise invalid("value", "must be an object of attributes where there is no path")


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(field, "must be text, and cannot be removed")
    return value


def _truth(value: Any) -> bool:
    # Some directories send the words.
    found = _TRUTH.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise invalid("active", "must be true or false")
    return found

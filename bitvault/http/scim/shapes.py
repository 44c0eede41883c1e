"""What the rooms say of users and groups as SCIM resources."""

from collections.abc import Collection
from typing import TypeVar

import msgspec
from msgspec import UNSET

from bitvault.actors.identity import contract
from bitvault.wire import scim as wire

R = TypeVar("R", bound=wire.Resource)

ROOT = "/scim/v2"
_ALWAYS = frozenset({"schemas", "id"})


def user(found: contract.ProvisionedUser) -> wire.User:
    """Show a user."""
    whose, place = found.user, f"{ROOT}/Users/{found.user.user_id}"
    return wire.User(
        schemas=(wire.USER,),
        id=whose.user_id,
        external_id=found.external_id or UNSET,
        user_name=whose.login,
        display_name=whose.display_name,
        active=not whose.is_disabled,
        groups=tuple(_group_of(one) for one in found.groups) or UNSET,
        meta=wire.About(resource_type="User", location=place, created=whose.created_at),
    )


def group(found: contract.ProvisionedGroup) -> wire.Group:
    """Show a group."""
    which, place = found.group, f"{ROOT}/Groups/{found.group.group_id}"
    members = found.members
    return wire.Group(
        schemas=(wire.GROUP,),
        id=which.group_id,
        external_id=found.external_id or UNSET,
        display_name=which.name,
        members=UNSET if members is None else tuple(map(_member, members)),
        meta=wire.About(resource_type="Group", location=place, created=which.created_at),
    )


def chosen(resource: R, wanted: Collection[str], unwanted: Collection[str]) -> R:
    """Leave out what was not asked for (RFC 7644 §3.9); names in lower case."""
    gone = {}
    for field in msgspec.structs.fields(resource):
        name = field.encode_name.lower()
        is_asked = name in wanted if wanted else name not in unwanted
        if not (is_asked or name in _ALWAYS):
            gone[field.name] = UNSET
    return msgspec.structs.replace(resource, **gone)


def _group_of(found: contract.Group) -> wire.Reference:
    place = f"{ROOT}/Groups/{found.group_id}"
    return wire.Reference(value=found.group_id, ref=place, display=found.name)


def _member(found: contract.User) -> wire.Reference:
    place = f"{ROOT}/Users/{found.user_id}"
    return wire.Reference(value=found.user_id, ref=place, type="User")

"""What the steps of a directory's PATCH come to (RFC 7644 §3.5.2)."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from bitvault.actors.identity.contract import Membership
from bitvault.edge.rejections import Rejected
from bitvault.http import decoding
from bitvault.http.scim.changes import GroupChange, UserChange, group_change, user_change
from bitvault.wire.scim import GROUP, Change

ANN, BOB = UUID(int=1), UUID(int=2)
ONE = f'members[value eq "{ANN}"]'
NOBODY = Membership(anew=frozenset())


def steps(*operations: dict[str, Any]) -> Any:
    """Read the steps as they are sent."""
    return decoding.body(msgspec.json.encode({"Operations": operations}), Change).operations


MEMBERS = {
    "remove all": ({"op": "remove", "path": "members"}, NOBODY),
    "remove all, in other letters": ({"op": "Remove", "path": "MEMBERS"}, NOBODY),
    "remove all, by its long name": ({"op": "remove", "path": f"{GROUP}:members"}, NOBODY),
    "remove all, null being no value": ({"op": "remove", "path": "members", "value": None}, NOBODY),
    "remove nobody": ({"op": "Remove", "path": "members", "value": []}, Membership()),
    "remove one": (
        {"op": "remove", "path": "members", "value": [{"value": str(ANN)}]},
        Membership(removed=frozenset({ANN})),
    ),
    "remove one by a filter": (
        {"op": "remove", "path": ONE.replace("value eq", "VALUE EQ")},
        Membership(removed=frozenset({ANN})),
    ),
    "add nobody": ({"op": "add", "path": "members", "value": []}, Membership()),
    "add null": ({"op": "add", "path": "members", "value": None}, Membership()),
    "add null without a path": ({"op": "add", "value": {"members": None}}, Membership()),
    "replace by nobody": ({"op": "replace", "path": "members", "value": []}, NOBODY),
    "replace by one": (
        {"op": "replace", "value": {"Members": [{"value": str(ANN)}]}},
        Membership(anew=frozenset({ANN})),
    ),
}


@pytest.mark.parametrize(("step", "expected"), MEMBERS.values(), ids=MEMBERS)
def test_a_step_changes_the_members_it_names(step: dict[str, Any], expected: Membership) -> None:
    """Everybody only where no value is given; of an empty list nobody."""
    assert group_change(steps(step)) == GroupChange(members=expected)


def test_an_empty_removal_leaves_what_other_steps_do() -> None:
    """Steps add up."""
    adding = {"op": "add", "path": "members", "value": [{"value": str(BOB)}]}
    nothing = {"op": "remove", "path": "members", "value": []}
    assert group_change(steps(adding, nothing)).members == Membership(added=frozenset({BOB}))


WRONG = {
    "replace without a value": ({"op": "replace", "path": "members"}, "value"),
    "add without a value": ({"op": "add", "path": "members"}, "value"),
    "replace by null": ({"op": "replace", "path": "members", "value": None}, "members"),
    "replace by null without a path": ({"op": "replace", "value": {"members": None}}, "members"),
    "replace one": ({"op": "replace", "path": ONE, "value": [{"value": str(BOB)}]}, "path"),
    "remove by another filter": ({"op": "remove", "path": 'members[display eq "ann"]'}, "path"),
    "remove without a path": ({"op": "remove", "value": {"members": []}}, "path"),
    "remove what is no member": ({"op": "remove", "path": "members", "value": {}}, "members"),
    "remove a number": ({"op": "remove", "path": "members", "value": 10**30}, "members"),
}


@pytest.mark.parametrize(("step", "field"), WRONG.values(), ids=WRONG)
def test_a_step_that_cannot_be_meant_is_refused(step: dict[str, Any], field: str) -> None:
    """By name, rather than emptying the group, or passing over what was to go."""
    with pytest.raises(Rejected) as refused:
        group_change(steps(step))
    assert refused.value.members["field"] == field


USERS = {
    "replace by null": ({"op": "replace", "path": "externalId", "value": None}, ""),
    "remove": ({"op": "remove", "path": "EXTERNALID"}, ""),
    "add null": ({"op": "add", "path": "externalId", "value": None}, None),
    "add null without a path": ({"op": "add", "value": {"externalId": None}}, None),
    "what is not kept": ({"op": "add", "path": "nickName", "value": None}, None),
}


@pytest.mark.parametrize(("step", "expected"), USERS.values(), ids=USERS)
def test_a_user_loses_what_is_removed_alone(step: dict[str, Any], expected: str | None) -> None:
    """Null takes an attribute away where it replaces, and adds nothing."""
    assert user_change(steps(step)) == UserChange(external_id=expected)


@pytest.mark.parametrize("value", [5, [], "x", {"formatted": 5}, {"givenName": {}}])
def test_a_name_of_another_kind_is_refused(value: object) -> None:
    """A name is an object of texts."""
    with pytest.raises(Rejected) as refused:
        user_change(steps({"op": "replace", "path": "name", "value": value}))
    assert refused.value.members["field"] == "name"

"""What directories ask for: texts in quotes, with the escapes of JSON."""

import pytest

from bitvault.http.problems import Rejected
from bitvault.http.scim.changes import group_change
from bitvault.http.scim.filters import parse
from bitvault.wire.scim import Operation

KNOWN = {"username": "login", "externalid": "external_id"}


def test_a_text_is_read_with_its_escapes() -> None:
    """A quote, a letter by its number, and what JSON does not ask to escape."""
    text = r'userName eq "a\"b" and externalId eq "\u00e9/\/"'
    assert parse(text, KNOWN) == {"login": 'a"b', "external_id": "é//"}


@pytest.mark.requirement("X68")
@pytest.mark.parametrize("escape", ["\\q", "\\u12", "\\u0000", "\\ud800", "\\"])
def test_a_text_that_no_layer_can_hold_is_refused_by_name(escape: str) -> None:
    """In a filter and in the path of a change."""
    with pytest.raises(Rejected) as refused:
        parse(f'externalId eq "{escape}"', KNOWN)
    assert refused.value.detail
    assert "filter" in str(refused.value.members)


@pytest.mark.parametrize("inner", ["a\tb", "\x00", "not an id"])
def test_a_member_that_is_none_is_refused(inner: str) -> None:
    """The one that a path names."""
    with pytest.raises(Rejected):
        group_change([Operation(op="remove", path=f'members[value eq "{inner}"]')])

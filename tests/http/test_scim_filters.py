"""What directories ask for: texts in quotes, with the escapes of JSON."""

import pytest

from bitvault.edge.rejections import Rejected
from bitvault.http.decoding import _repeated
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


class CountedName(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        """Compare, and count it."""
        CountedName.compared += 1
        return str.__eq__(self, str(other)) if isinstance(other, str) else NotImplemented


@pytest.mark.requirement("X67")
def test_a_repeated_member_is_found_in_one_pass() -> None:
    """Twice the members cost twice the time, though directories may send any that they like."""
    counted = CountedName.compared
    many = [CountedName(f"m{number}") for number in range(5_000)]
    assert _repeated([*many, CountedName("m4999")]) == "m4999"
    assert CountedName.compared - counted < 10_000

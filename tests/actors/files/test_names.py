"""Names and paths: what is kept, what is refused, and what counts as the same."""

import unicodedata  # noqa: TID251 - a table that is not the one tested

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitvault.actors.files.rules.names import name_key, numbered, parse_path, valid_name
from bitvault.kernel.refusal import Refused

HOSTILE = [
    "", ".", "..", "a/b", "a\\b", "nul\0", "tab\t", "\x7f", "\ud800", "\u202etxt.exe",
    "\u2066x", "\u0378", "x" * 256, "é" * 128,
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused(name: str) -> None:
    """Each breaks a rule that the refusal names."""
    with pytest.raises(Refused) as refused:
        valid_name(name)

    assert refused.value.refusal.detail.startswith("name: must")


@pytest.mark.parametrize("path", ["", "a", "//", "/a/", "/a//b", "/a/../b", "/./a", "/a\0b"])
def test_a_path_that_is_not_canonical_is_refused(path: str) -> None:
    """A path is absolute, and none of its names is empty or dots."""
    with pytest.raises(Refused):
        parse_path(path)


@given(st.text(max_size=80))
def test_a_valid_name_is_stable(name: str) -> None:
    """What was accepted is accepted again unchanged, and has one key in every form."""
    try:
        kept = valid_name(name)
    except Refused:
        return
    assert valid_name(kept) == kept == unicodedata.normalize("NFC", kept)
    assert name_key(kept) == name_key(name) == name_key(unicodedata.normalize("NFD", name))


@given(st.text(alphabet="aé.x ", min_size=1, max_size=300), st.integers(2, 1999))
def test_a_numbered_name_fits(name: str, number: int) -> None:
    """However long the name, its numbered form is within the limit."""
    assert len(numbered(name, number).encode()) <= 255

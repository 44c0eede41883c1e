"""Text is judged by one Unicode table, whatever the interpreter is."""

import sys
import unicodedata  # noqa: TID251 - what the table is compared with

import pytest
import unicodedata2

from bitvault import text
from bitvault.actors.files.rules.names import name_key, valid_name

EVERY = [chr(one) for one in range(sys.maxunicode + 1)]
KNOWN = [one for one in EVERY if unicodedata.category(one) != "Cn"]


def test_every_capital_folds_to_its_small_letter() -> None:
    """A table that is renewed brings capitals that no supported interpreter folds: add them."""
    newer = [
        one
        for one in EVERY
        if unicodedata2.category(one) in {"Lu", "Lt"} and unicodedata.category(one) == "Cn"
    ]
    assert [ascii(one) for one in newer if text.folded(one) == one] == []
    added = [one for one in EVERY if ord(one) in text._FOLDED]
    assert set(newer) <= set(added)
    for one in added:
        small = unicodedata2.name(one).replace("CAPITAL", "SMALL")
        assert text.folded(one) == unicodedata2.lookup(small) == text.folded(text.folded(one))


def test_what_the_interpreter_knows_is_as_it_says() -> None:
    """So no name that is stored gets another key, or stops being one."""
    for one in KNOWN:
        assert text.normal(one) == unicodedata.normalize("NFC", one)
        assert text.is_printable(one) == one.isprintable()
        if ord(one) not in text._FOLDED:
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", one).casefold())
            assert text.folded(one) == folded


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("\U0001fae8", "15.0"),
        ("\U0001e4d0", "15.0"),
        ("\u2ffc", "15.1"),
        ("\U00010d50", "16.0"),
        ("\ua7ce", "17.0"),
    ],
    ids=ascii,
)
def test_names_of_newer_versions_are_names(name: str, version: str) -> None:
    """Emoji and letters that Python 3.11 has never heard of."""
    assert valid_name(name) == name, version
    assert name_key(name.upper()) == name_key(name)


def test_composition_is_of_the_same_table() -> None:
    """Unicode 16 composes two vowel signs of Kirat Rai, which Python 3.11 leaves apart."""
    assert name_key("\U00016d67\U00016d67") == name_key("\U00016d68")
    assert valid_name("\U00016d67\U00016d67") == "\U00016d68"

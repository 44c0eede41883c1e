"""Unicode text by one table, whatever the interpreter is (ADR-0034).

Python carries a table of its own: 3.11 knows Unicode 14, 3.14 knows 16. What is asked of it is
answered otherwise after an update; so what decides about a user's text asks here.
"""

from typing import Final

import unicodedata2

_UNFOLDED: Final = (
    (0x1C89, 0x1C89, 0x1C8A),
    (0xA7CB, 0xA7CB, 0x264),
    (0xA7CC, 0xA7CC, 0xA7CD),
    (0xA7CE, 0xA7CE, 0xA7CF),
    (0xA7D2, 0xA7D2, 0xA7D3),
    (0xA7D4, 0xA7D4, 0xA7D5),
    (0xA7DA, 0xA7DA, 0xA7DB),
    (0xA7DC, 0xA7DC, 0x19B),
    (0xA7DD, 0xA7DD, 0x277),
    (0xA7E2, 0xA7E2, 0x27C),
    (0xAB6C, 0xAB6D, 0xAB4B),
    (0x10D50, 0x10D65, 0x10D70),
    (0x16EA0, 0x16EB8, 0x16EBB),
    *((first, first, first + 1) for first in (0x1DF40, 0x1DF48, 0x1DF4A, 0x1DF4D, 0x1DF51)),
    *((first, first, first + 1) for first in range(0x1DF68, 0x1DF70, 2)),
    *((first, first, first + 1) for first in range(0x1DF72, 0x1DF80, 2)),
)
"""First and last capital letter newer than Unicode 14, and what the first one folds to."""
_FOLDED: Final = {
    capital: small + capital - first
    for first, last, small in _UNFOLDED
    for capital in range(first, last + 1)
}
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def category(character: str) -> str:
    """Return the general category: ``Lu``, ``Cn`` for what is not assigned."""
    found: str = unicodedata2.category(character)
    return found


def normal(text: str) -> str:
    """Return a text in NFC."""
    composed: str = unicodedata2.normalize("NFC", text)
    return composed


def folded(text: str) -> str:
    """Return what a text is compared by where case and composition do not count."""
    # What no interpreter that is supported lacks, it folds itself: folding is never changed.
    return normal(normal(text).translate(_FOLDED).casefold())


def is_printable(text: str) -> bool:
    """Say whether it is visible, but for plain spaces."""
    if text.isascii():
        return text.isprintable()
    return all(one == " " or category(one) not in _HIDDEN for one in text)


def is_word(character: str) -> bool:
    """Say whether it is a letter, a digit, or ``_``."""
    return character == "_" or category(character)[0] in "LN"

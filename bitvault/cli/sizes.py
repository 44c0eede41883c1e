"""Numbers of bytes as people write them: ``500M``, ``10G``, ``1.5T``; powers of 1024, as shown."""

import re
from collections.abc import Callable

import click

_FORM = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMGTP]?)(?:i?B)?", re.IGNORECASE)
_PLAIN = re.compile(r"\d{1,19}")
_POWERS = " KMGTP"


def bytes_of(value: str) -> int | None:
    """Return bytes; None when it is not in this form."""
    if _PLAIN.fullmatch(value):
        return int(value)
    match = _FORM.fullmatch(value)
    if match is None:
        return None
    return round(float(match[1]) * (1 << 10 * _POWERS.index(match[2].upper() or " ")))


def size(*words: str) -> Callable[[click.Context, click.Parameter, str | None], int | str | None]:
    """Read bytes, or one of some words, which stay as they are: a callback of click."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | str | None:
        if value is None or value in words:
            return value
        found = bytes_of(value)
        if found is None:
            others = "".join(f", or {word}" for word in words)
            raise click.BadParameter(f"{value!r}: say bytes, as 500M or 10G{others}")
        return found

    return read

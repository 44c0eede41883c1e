"""Lengths of time as people write them: ``90s``, ``30m``, ``12h``, ``7d``."""

import re
from datetime import UTC, datetime, timedelta

import click

_FORM = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SAY = "30m, 12h or 7d"
"""How a message shows the form."""


def seconds_of(value: str) -> int | None:
    """Return seconds; None when it is not in this form."""
    match = _FORM.fullmatch(value)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def words_of(seconds: int) -> str:
    """Return seconds in this form, in the largest unit they are a whole number of."""
    unit = next(one for one, size in reversed(_SECONDS.items()) if seconds % size == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def from_now(seconds: int | None) -> str | None:
    """Return the moment in so many seconds, as the server reads it; None is never."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat() if seconds else None


def duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read a length of time, as a callback of click.

    Raises:
        click.BadParameter: it is not in this form.
    """
    if value is None:
        return None
    seconds = seconds_of(value)
    if not seconds:
        raise click.BadParameter(f"{value!r}: say {SAY}")
    return seconds

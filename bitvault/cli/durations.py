"""Lengths of time as people write them: ``90s``, ``30m``, ``12h``, ``7d``."""

import re

import click

_FORM = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SAY = "30m, 12h or 7d"
"""How a message shows the form."""


def seconds_of(value: str) -> int | None:
    """Return seconds; None when it is not in this form."""
    match = _FORM.fullmatch(value)
    return int(match[1]) * _SECONDS[match[2]] if match else None


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

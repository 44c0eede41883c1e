"""The first items of a list that may be long, and whether it goes on."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

import click

T = TypeVar("T")

LIMIT = click.option(
    "-n", "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
)
_MOST = 1000
"""Of one page."""


def page_of(limit: int) -> int:
    """Return how many to ask for at once: one more than are shown tells whether there is more."""
    return min(limit + 1, _MOST)


def first(every: Iterator[T], limit: int) -> tuple[Sequence[T], list[str]]:
    """Take ``limit`` items; return them, and what to warn of when these are not all."""
    found = list(islice(every, limit + 1))
    if len(found) <= limit:
        return found, []
    return found[:limit], [f"and more than these {limit}; see them with --limit N"]

"""What waits for the daemon's background jobs: every room counts what is its own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Never

from attrs import frozen

from bitvault.kernel.request import Request


@frozen
class Backlog:
    """How much of one kind is due and not done, over all tenants."""

    waiting: int
    """Rows are counted up to 10,000."""
    since: datetime | None = None
    """When the first of it became due; None without any."""
    given_up: int = 0
    """What somebody has to see to, counted up to 10,000; dead letters."""


@frozen
class CountBacklog(Request[Mapping[str, Backlog], Never]):
    """Count what waits in the room, by the names of the jobs that it waits for.

    It says how much and how old, and never whose: asked for the operators of the platform.
    """

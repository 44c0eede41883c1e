"""What the finalizer asks of this room on a timer; it can be repeated."""

from typing import Never

from attrs import frozen

from bitvault.kernel.request import Request


@frozen
class ForgetLost(Request[int, Never]):
    """Look at what is said on the next ``limit`` rows, and forget what is on nodes that are gone.

    Answers how many rows went. Below a purged folder nodes go in slices, without an event each.
    Of users and groups that are gone for an hour up to ``limit`` grants are forgotten, too.
    """

    limit: int

"""What is asked of the toys, and what they tell."""

from collections.abc import Mapping
from typing import ClassVar, Final, Never
from uuid import UUID

from attrs import frozen

from bitvault.kernel.events import Event
from bitvault.kernel.principal import Caller
from bitvault.kernel.request import Request


@frozen
class ToyMade(Event):
    """There is a toy."""

    kind: ClassVar[str] = "toy.made"
    name: str


@frozen
class MakeToy(Request[UUID, Never]):
    """Make a toy."""

    caller: Caller
    name: str


@frozen
class BreakToys(Request[int, Never]):
    """Break what was told of; for the finalizer."""

    limit: int


TAGS: Final[Mapping[str, type]] = {"make_toy": MakeToy, "break_toys": BreakToys}

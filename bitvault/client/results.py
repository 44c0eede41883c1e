"""What became of a tree that was to be transferred."""

from attrs import field, frozen

from bitvault.client.errors import BitVaultError
from bitvault.client.shapes import Node


@frozen
class Missed:
    """A file or folder that was not transferred, and why."""

    path: str
    error: BitVaultError | OSError


@frozen
class TreeResult:
    """What became of a tree. ``skipped`` existed already, and that was to be left alone.

    ``unchanged`` counts files that were the same on both sides; ``folders`` counts those made.
    """

    nodes: list[Node] = field(factory=list)
    unchanged: int = 0
    skipped: list[str] = field(factory=list)
    missed: list[Missed] = field(factory=list)
    folders: int = 0
    bytes: int = 0

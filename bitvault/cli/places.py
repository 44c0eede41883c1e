"""How things are named here: as what was typed, or as what may be typed."""

from functools import cached_property
from uuid import UUID

from attrs import define

from bitvault.client.client import Client
from bitvault.client.shapes import Node
from bitvault.wire.spaces import Space


def beside(asked: str, name: str) -> str:
    """Return the path of what has a name now, in the words in which its folder was named."""
    folder, slash, _ = asked.rstrip("/").rpartition("/")
    return f"{folder}/{name}" if slash else asked


def inside(folder: str, name: str) -> str:
    """Return the path of what has a name now, in the folder that was named."""
    return f"{folder.rstrip('/')}/{name}"


@define(eq=False, slots=False)
class Places:
    """The paths by which a user reaches nodes; asks for the spaces once, if at all."""

    client: Client

    def of(self, node: Node) -> str:
        """Return ``/a``, ``Space:/a``, or ``ID:/ (a)`` for what is in a space of somebody else."""
        space = self._spaces.get(node.space_id)
        if space is None:
            return f"{node.id}:/ ({node.name})"
        return node.path if space.kind == "personal" else f"{space.name}:{node.path}"

    def has(self, space_id: UUID) -> bool:
        """Say whether a space is one of the user's own."""
        return space_id in self._spaces

    @cached_property
    def _spaces(self) -> dict[UUID, Space]:
        return {one.id: one for one in self.client.listed("/v1/spaces", Space)}

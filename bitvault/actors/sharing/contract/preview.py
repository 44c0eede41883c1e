"""Previews: what a change would expose, or take away, before it is made."""

from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import KindMismatch, NodeNotFound, SpaceNotFound, TreeRuleBroken
from bitvault.actors.sharing.contract.grants import Grantee, GranteeNotFound
from bitvault.kernel.access import Right, Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request


@frozen
class Granting:
    """Give a role, or (None) take it back; the nil id is everyone in the tenant."""

    grantee_id: UUID
    role: Role | None


@frozen
class Linking:
    """Make a link that is good for a role."""

    role: Role


@frozen
class Restricting:
    """Have a folder end, or pass on, what is granted above it."""

    is_restricted: bool


@frozen
class Moving:
    """Move the node into another folder, that is named by its id or by its path."""

    parent_id: NodeId | None = None
    parent_path: str | None = None


Change = Granting | Linking | Restricting | Moving


@frozen
class Shift:
    """Whose rights would be others; what somebody has as everyone has it counts as theirs."""

    grantee: Grantee
    """Of a link that is not made yet the id is nil."""
    before: Right
    after: Right

    @property
    def gains(self) -> Right:
        """Return what they would be able to do, and cannot do now."""
        return self.after & ~self.before

    @property
    def losses(self) -> Right:
        """Return what they would not be able to do any more."""
        return self.before & ~self.after


@frozen
class Preview:
    """What would come of a change; a tenant's terms for links are not looked at."""

    shifts: tuple[Shift, ...]
    """Gains first; the first hundred."""
    gains: int
    """How many would be able to do what they cannot do now."""
    losses: int
    nodes: int
    """The node and what is live below it, restricted folders too; no more than a thousand."""
    size: int
    """Bytes of the current versions of these."""
    is_more: bool
    """Whether there are more nodes, and bytes, than these."""
    is_partial: bool = False
    """Whether the space has more members than are looked at here, the first ten thousand by id."""


@frozen
class PreviewAccess(
    Request[
        Preview,
        NodeNotFound
        | SpaceNotFound
        | KindMismatch
        | TreeRuleBroken
        | GranteeNotFound
        | Invalid
        | Forbidden,
    ]
):
    """Say who would gain or lose access to a node; for those who may share it.

    For a move they have to be able to share the destination too: who has access there is told to
    nobody else.
    """

    caller: Caller
    node_id: NodeId
    change: Change

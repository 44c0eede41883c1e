"""What new spaces start with: a copy of a folder that the tenant's admins name."""

from attrs import frozen

from bitvault.actors.files.contract.refusals import KindMismatch, NodeNotFound, TooManyNodes
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request


@frozen
class Template:
    """A folder whose content, as it is then, a new space of a kind starts with."""

    kind: str
    """``personal`` or ``team``."""
    node_id: NodeId


@frozen
class ListTemplates(Request[tuple[Template, ...], Forbidden]):
    """List the templates of the caller's tenant; for its admins."""

    caller: Caller


@frozen
class SetTemplate(
    Request[Template, NodeNotFound | KindMismatch | TooManyNodes | Invalid | Forbidden]
):
    """Have new spaces of a kind start with what is in a folder; for admins who may read it.

    Restricted folders in it are left out. A space whose quota it exceeds starts empty.
    """

    caller: Caller
    kind: str
    node_id: NodeId


@frozen
class DropTemplate(Request[None, Invalid | Forbidden]):
    """Have new spaces of a kind start empty; for the tenant's admins."""

    caller: Caller
    kind: str

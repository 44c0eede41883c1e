"""What new spaces start with."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import RequestShape, ResponseShape


class Templates(ResponseShape, frozen=True, kw_only=True):
    """The folders whose content new spaces start with; null: they start empty."""

    personal: UUID | None
    team: UUID | None


class ChangeTemplate(RequestShape, frozen=True, kw_only=True):
    """Have new spaces of a kind start with what is in a folder, as it is then."""

    kind: Literal["personal", "team"]
    node_id: Annotated[UUID | None, Meta(description="A folder; null: empty.")] = None

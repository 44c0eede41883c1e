"""The sharing room: who else may do what."""

from attrs import define

from bitvault.actors.sharing.actor.leaving import Leaving
from bitvault.actors.sharing.actor.links import Links
from bitvault.actors.sharing.actor.preview import Previews
from bitvault.actors.sharing.actor.sweeping import Sweeping

__all__ = ["Sharing"]


@define(eq=False)
class Sharing(Previews, Links, Leaving, Sweeping):
    """The room, put together: one class of handlers for each part of the contract."""

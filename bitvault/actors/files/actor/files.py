"""The files room: everything its contract asks, on PostgreSQL (ADR-0009, ADR-0010)."""

from bitvault.actors.files.actor.collecting import Collecting
from bitvault.actors.files.actor.desk import FilesOptions
from bitvault.actors.files.actor.leaving import Leaving
from bitvault.actors.files.actor.quotas import QuotaKeeping
from bitvault.actors.files.actor.reading import Reading
from bitvault.actors.files.actor.sessions import Sessions
from bitvault.actors.files.actor.spaces import Spaces
from bitvault.actors.files.actor.succession import Succession
from bitvault.actors.files.actor.templates import Templates
from bitvault.actors.files.actor.trees import Trees
from bitvault.actors.files.actor.uploads import Uploads

__all__ = ["Files", "FilesOptions"]


class Files(
    Uploads,
    Sessions,
    Trees,
    Reading,
    Spaces,
    Succession,
    QuotaKeeping,
    Templates,
    Collecting,
    Leaving,
):
    """The room, put together: one class of handlers for each part of the contract.

    Error handling: refusals and a database or storage that is down are answers (``Room``); a
    transaction that a concurrent one got in the way of is run again a few times. Anything else
    crashes the actor, and the supervisor starts it anew: it keeps no state.
    """

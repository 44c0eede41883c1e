"""The storage service: objects are opened, signed, verified and discarded.

Error handling: the store or the database being down is ``Unavailable``, for one object of a batch
or for all; everything done so far can be repeated. The store is never called inside a transaction.
"""

from attrs import define, field

from bitvault.actors.room import Room
from bitvault.actors.storage.actor.garbage import Garbage
from bitvault.actors.storage.actor.ledger import Ledger
from bitvault.actors.storage.actor.openings import Openings
from bitvault.actors.storage.actor.options import StorageOptions
from bitvault.actors.storage.actor.proof import Prover
from bitvault.actors.storage.actor.removal import Remover
from bitvault.actors.storage.actor.signing import Signer
from bitvault.actors.storage.actor.transfers import Transfers
from bitvault.actors.storage.actor.verification import Verification
from bitvault.drivers.objects.port import ObjectStore
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.outbox import Outbox

__all__ = ["Storage", "StorageOptions"]


@define(eq=False, kw_only=True)
class Storage(Room):
    """One part for each stage of an object's life."""

    database: Database
    objects: ObjectStore
    outbox: Outbox
    clock: Clock
    ids: Ids
    options: StorageOptions
    openings: Openings = field(init=False)
    transfers: Transfers = field(init=False)
    verification: Verification = field(init=False)
    garbage: Garbage = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the parts together."""
        objects, options = self.objects, self.options
        ledger = Ledger(self.database, self.outbox, self.clock, self.ids, options.patience)
        signer = Signer(objects, options)
        self.openings = Openings(objects, ledger, signer, options)
        self.transfers = Transfers(objects, ledger, signer)
        self.verification = Verification(objects, ledger, Prover(objects, ledger), options)
        self.garbage = Garbage(ledger, Remover(objects, options.parallel))

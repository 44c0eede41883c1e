"""The files service: everything its contract asks, on PostgreSQL (ADR-0009, ADR-0010)."""

from attrs import define, field

from bitvault.actors.files.actor.collecting import GarbageCollection
from bitvault.actors.files.actor.contents import Contents
from bitvault.actors.files.actor.erasure import TenantErasure
from bitvault.actors.files.actor.members import Members
from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.actor.ownership import OwnershipTransfer
from bitvault.actors.files.actor.quotas import QuotaSettings
from bitvault.actors.files.actor.reading import Reading
from bitvault.actors.files.actor.sessions import UploadSessions
from bitvault.actors.files.actor.spaces import Spaces
from bitvault.actors.files.actor.templates import Templates
from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.actor.trees import Trees
from bitvault.actors.files.actor.uploads import Uploads
from bitvault.actors.files.store.copying import Restricting
from bitvault.actors.room import Room
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.outbox import Outbox
from supervisors import Ref

__all__ = ["Files", "FilesOptions"]


@define(eq=False)
class Files(Room):
    """One part for each part of the contract.

    Error handling: refusals and a database or storage that is down are answers (``Room``); a
    transaction that a concurrent one got in the way of is run again a few times. Anything else
    is the bug of one request; no part keeps state.
    """

    database: Database
    outbox: Outbox
    storage: Ref
    clock: Clock
    ids: Ids
    options: FilesOptions
    restrict: Restricting | None = None
    trees: Trees = field(init=False)
    reading: Reading = field(init=False)
    contents: Contents = field(init=False)
    uploads: Uploads = field(init=False)
    upload_sessions: UploadSessions = field(init=False)
    spaces: Spaces = field(init=False)
    members: Members = field(init=False)
    templates: Templates = field(init=False)
    quotas: QuotaSettings = field(init=False)
    ownership: OwnershipTransfer = field(init=False)
    garbage: GarbageCollection = field(init=False)
    erasure: TenantErasure = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the parts together."""
        database, storage, outbox = self.database, self.storage, self.outbox
        clock, ids, options = self.clock, self.ids, self.options
        transactions = FilesTransactions(database, outbox, clock, ids, options)
        self.trees = Trees(transactions, clock, ids, options, self.restrict)
        self.reading = Reading(transactions)
        self.contents = Contents(transactions, storage)
        self.uploads = Uploads(transactions, storage, clock, ids, options)
        self.upload_sessions = UploadSessions(transactions, storage, clock, options)
        self.spaces = Spaces(transactions, clock, ids, options)
        self.members = Members(transactions)
        self.templates = Templates(transactions)
        self.quotas = QuotaSettings(database, outbox, transactions, clock, ids, options)
        self.ownership = OwnershipTransfer(transactions)
        self.garbage = GarbageCollection(database, storage, clock, options)
        self.erasure = TenantErasure(database, storage, clock)

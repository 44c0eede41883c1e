"""The sharing service: who else may do what."""

from attrs import define, field

from bitvault.actors.room import Room
from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.actor.entries import AccessEntries
from bitvault.actors.sharing.actor.erasure import TenantErasure
from bitvault.actors.sharing.actor.explaining import Explanations
from bitvault.actors.sharing.actor.grants import Grants
from bitvault.actors.sharing.actor.guests import Guests
from bitvault.actors.sharing.actor.links import Links
from bitvault.actors.sharing.actor.passwords import LinkPasswords
from bitvault.actors.sharing.actor.preview import Previews
from bitvault.actors.sharing.actor.sweeping import LostShares
from bitvault.actors.sharing.actor.transactions import SharingTransactions
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.outbox import Outbox
from supervisors import Ref

__all__ = ["Sharing"]


@define(eq=False)
class Sharing(Room):
    """One part for each part of the contract."""

    database: Database
    outbox: Outbox
    files: Ref
    identity: Ref
    clock: Clock
    ids: Ids
    passwords: Passwords
    limits: Limits
    grants: Grants = field(init=False)
    explanations: Explanations = field(init=False)
    previews: Previews = field(init=False)
    links: Links = field(init=False)
    guests: Guests = field(init=False)
    lost_shares: LostShares = field(init=False)
    erasure: TenantErasure = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the parts together."""
        database, files, clock, ids = self.database, self.files, self.clock, self.ids
        access = NodeAccess(files, self.identity)
        transactions = SharingTransactions(database, self.outbox, access)
        entries = AccessEntries(database, clock, access)
        passwords = LinkPasswords(self.passwords, self.limits)
        self.grants = Grants(database, clock, ids, access, transactions)
        self.explanations = Explanations(access, entries)
        self.previews = Previews(files, clock, access, entries)
        self.links = Links(database, files, clock, ids, access, transactions, passwords)
        self.guests = Guests(database, clock, access, passwords)
        self.lost_shares = LostShares(database, clock)
        self.erasure = TenantErasure(database)

"""The sso service: providers, and signing in with them."""

from collections.abc import Callable

from attrs import define, field

from bitvault.actors.room import Room
from bitvault.actors.sso.actor.access import ProviderAccess
from bitvault.actors.sso.actor.homes import Homes
from bitvault.actors.sso.actor.issuers import Issuers
from bitvault.actors.sso.actor.logouts import Logouts
from bitvault.actors.sso.actor.providers import Providers
from bitvault.actors.sso.actor.removals import Removals
from bitvault.actors.sso.actor.sign_ins import SignIns
from bitvault.drivers.outgoing.port import Outgoing
from bitvault.drivers.postgres.port import Database
from bitvault.drivers.sealing.port import Sealing
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.outbox import Outbox
from supervisors import Ref

__all__ = ["Sso"]


@define(eq=False)
class Sso(Room):
    """Apart from identity, which must not wait for others' servers."""

    database: Database
    outbox: Outbox
    identity: Ref
    files: Ref
    outgoing: Outgoing
    sealing: Sealing
    clock: Clock
    ids: Ids
    base_url: Callable[[], str]
    """How browsers reach this server, without a last slash."""
    access: ProviderAccess = field(init=False)
    providers: Providers = field(init=False)
    removals: Removals = field(init=False)
    sign_ins: SignIns = field(init=False)
    logouts: Logouts = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the parts together."""
        rows, clock = (self.database, self.outbox), self.clock
        self.access = access = ProviderAccess(self.database, Issuers(self.outgoing))
        self.providers = Providers(*rows, self.sealing, clock, self.ids, access)
        self.removals = Removals(*rows, self.identity, self.files)
        self.sign_ins = SignIns(
            *rows,
            self.identity,
            self.outgoing,
            self.sealing,
            clock,
            self.ids,
            self.base_url,
            access,
            Homes(self.files),
            self.removals,
        )
        self.logouts = Logouts(*rows, self.identity, clock, access)

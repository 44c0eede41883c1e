"""The ports: what the services of a process are given, and what outlives their restarts."""

from typing import Any, TypeVar
from uuid import UUID

from attrs import define, field

from bitvault.drivers.bus.port import Bus
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.mail.port import Mailer
from bitvault.drivers.objects.port import ObjectStore
from bitvault.drivers.outgoing.port import Outgoing
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database
from bitvault.drivers.sealing.port import Sealing
from bitvault.kernel.clock import Clock, SystemClock
from bitvault.kernel.dependencies import Dependencies
from bitvault.kernel.ids import Ids, SystemIds
from bitvault.outbox import Lease, Outbox, Wakeups
from supervisors import Board, Registry

T = TypeVar("T")
_ONLY = UUID(int=0)


@define(eq=False, kw_only=True)
class Wiring:
    """What children to the left provide to those on the right, for as long as they live."""

    passwords: Passwords
    limits: Limits
    """Here, so that a service which crashes does not forget who has to wait."""
    outgoing: Outgoing
    sealing: Sealing
    bus: Bus
    registry: Registry = field(factory=Registry)
    clock: Clock = field(factory=SystemClock)
    ids: Ids = field(factory=SystemIds)
    wakeups: Wakeups = field(factory=Wakeups)
    dependencies: Dependencies = field(factory=Dependencies)
    """Here, so that the edge sees what the drivers have found out."""
    board: Board = field(factory=Board)
    """Here, so that a worker which crashes is not forgotten with what it told."""
    holder: UUID = _ONLY
    """The installation, by which other daemons on this database know this one."""
    mailer: Mailer | None = None
    """None: no mail is sent."""
    store_address: str = ""
    url: str = ""
    """Of the REST interface, once it listens."""
    _database: Database | None = None
    _objects: ObjectStore | None = None
    _kept: dict[type, Any] = field(factory=dict, init=False)

    @property
    def database(self) -> Database:
        """Return the pool of the present life of the drivers."""
        if self._database is None:
            raise RuntimeError("the database driver has not started")
        return self._database

    @property
    def objects(self) -> ObjectStore:
        """Return the store of the present life of the drivers."""
        if self._objects is None:
            raise RuntimeError("the object store driver has not started")
        return self._objects

    @property
    def outbox(self) -> Outbox:
        """Return an outbox that wakes this process's relay."""
        return Outbox(self.ids, self.clock, self.wakeups)

    def lease(self, name: str, seconds: float = 30.0) -> Lease:
        """Return this daemon's share in what only one of several has to do."""
        return Lease(name, self.holder, self.database, seconds)

    def provide(
        self, *, database: Database | None = None, objects: ObjectStore | None = None
    ) -> None:
        """Set what a driver's new life provides."""
        self._database = database or self._database
        self._objects = objects or self._objects

    def kept(self, kind: type[T]) -> T:
        """Return the one of this process, which loses nothing when its users crash."""
        found: T = self._kept.setdefault(kind, kind())
        return found

"""What the tree is built from: what the daemon prepared, what rooms are told, who provides what."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from attrs import define, field, frozen

from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.storage.actor import StorageOptions
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.bus.port import Bus
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.mail.port import Mailer
from bitvault.drivers.objects.port import ObjectStore
from bitvault.drivers.outgoing.guarded import GuardedOutgoing
from bitvault.drivers.outgoing.port import Outgoing
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.embedded import Embedded
from bitvault.drivers.postgres.port import Database
from bitvault.drivers.sealing.aesgcm import KEY_BYTES, AesGcmSealing
from bitvault.drivers.sealing.port import Sealing
from bitvault.kernel.clock import Clock, SystemClock
from bitvault.kernel.dependencies import Dependencies
from bitvault.kernel.ids import Ids, SystemIds
from bitvault.kernel.settings import Settings
from bitvault.outbox import Wakeups
from supervisors import Board, Registry


@frozen
class Blueprint:
    """What is to be built: settings, and what the daemon prepared for it."""

    settings: Settings
    data: Path
    store_keys: Mapping[str, Mapping[str, str]]
    postgres: Embedded | None
    """None: `database.url` says where it is."""
    sealing_key: bytes = field(repr=False)
    mail_password: str = field(default="", repr=False)


@frozen
class Choices:
    """What the rooms and workers are told: all that the platform takes from the settings."""

    identity: IdentityOptions
    storage: StorageOptions
    files: FilesOptions
    garbage_interval: float
    """Seconds between two turns of the finalizer."""
    server: str = ""
    """Where the links in mails lead."""


@define(eq=False)
class Wiring:
    """What children to the left provide to those on the right, for as long as they live."""

    registry: Registry = field(factory=Registry)
    clock: Clock = field(factory=SystemClock)
    ids: Ids = field(factory=SystemIds)
    passwords: Passwords = field(factory=Argon2Passwords)
    limits: Limits = field(factory=MemoryLimits)
    """Here, so that a room which crashes does not forget who has to wait."""
    outgoing: Outgoing = field(factory=GuardedOutgoing)
    sealing: Sealing = field(factory=lambda: AesGcmSealing(os.urandom(KEY_BYTES)))
    wakeups: Wakeups = field(factory=Wakeups)
    bus: Bus = field(factory=MemoryBus)
    dependencies: Dependencies = field(factory=Dependencies)
    """Here, so that the edge sees what the drivers have found out."""
    board: Board = field(factory=Board)
    """Here, so that a worker which crashes is not forgotten with what it told."""
    downloads: Downloads = field(factory=Downloads)
    """Here, so that a room or worker which crashes loses none."""
    mailer: Mailer | None = None
    """None: no mail is sent."""
    store_address: str = ""
    url: str = ""
    """Of the REST interface, once it listens."""
    _database: Database | None = None
    _objects: ObjectStore | None = None

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

    def provide(
        self, *, database: Database | None = None, objects: ObjectStore | None = None
    ) -> None:
        """Set what a driver's new life provides."""
        self._database = database or self._database
        self._objects = objects or self._objects


def choices_of(settings: Settings) -> Choices:
    """Take from the settings what the rooms and workers are told."""
    transfers, sessions, quota = settings.transfers, settings.sessions, settings.quota
    garbage, limits = settings.garbage, settings.limits
    return Choices(
        identity=IdentityOptions(
            sessions.ttl,
            sessions.idle_ttl,
            limits.password_guesses,
            limits.password_seconds,
            sends_mail=bool(settings.mail.host),
            access_ttl=sessions.access_ttl,
        ),
        storage=StorageOptions(
            put_ttl=transfers.put_ttl,
            part_ttl=transfers.part_ttl,
            get_ttl=transfers.get_ttl,
            upload_ttl=transfers.upload_ttl,
            grace=garbage.grace,
        ),
        files=FilesOptions(
            upload_ttl=timedelta(seconds=transfers.upload_ttl),
            guest_ttl=timedelta(seconds=3600.0 + max(transfers.put_ttl, transfers.part_ttl)),
            default_space_quota=quota.personal_space or None,
            tenant_quota=quota.tenant or None,
            grace=timedelta(seconds=garbage.grace),
            keep_results=timedelta(seconds=garbage.keep_results),
        ),
        garbage_interval=garbage.interval,
        server=settings.server.public_url.rstrip("/"),
    )

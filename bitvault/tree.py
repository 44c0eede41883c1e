"""THE PAGE: every engine, driver, room, relay, worker and edge, in start order, with strategies.

root        rest_for_one   whatever stands to the right of a dead child holds what died
├─ engines  rest_for_one   postgres*, objectd*            OS processes, *only when embedded
├─ drivers  rest_for_one   migrations, database, objects
├─ rooms    one_for_one    identity, storage, files, sharing, sso, audit, letters, notifier, jobs
├─ relays   one_for_one    outbox
├─ workers  one_for_one    audit sink, sharing's sweeper, notifier, finalizer, doorbell, …
└─ edges    one_for_one    http
"""

import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog
import trio

from bitvault.actors.audit.actor import Audit
from bitvault.actors.files.actor import Files
from bitvault.actors.identity.actor import Identity
from bitvault.actors.jobs.actor import Jobs
from bitvault.actors.jobs.rules import COUNTING
from bitvault.actors.letters.actor import Letters
from bitvault.actors.notifier.actor import Notifier
from bitvault.actors.sharing.actor import Sharing
from bitvault.actors.sharing.store.grants import NewRestrictions
from bitvault.actors.sso.actor import Sso
from bitvault.actors.storage.actor import Storage
from bitvault.drivers.disk.local import LocalDisk, least_free, when_there_is_room
from bitvault.drivers.mail.compose import sender_of
from bitvault.drivers.mail.port import Mailer
from bitvault.drivers.mail.smtp import SmtpMailer, SmtpOptions
from bitvault.drivers.objects.embedded import EmbeddedStore
from bitvault.drivers.objects.s3 import SYSTEM as STORE
from bitvault.drivers.objects.s3 import S3Options, open_objects
from bitvault.drivers.objects.s3 import open_look as open_store_look
from bitvault.drivers.objects.sigv4 import AccessKey
from bitvault.drivers.postgres.embedded import ROOM_TO_START, Embedded
from bitvault.drivers.postgres.faults import SYSTEM as DATABASE
from bitvault.drivers.postgres.migrate import migrate_database
from bitvault.drivers.postgres.pool import APP_ROLE, open_database
from bitvault.drivers.postgres.pool import open_look as open_database_look
from bitvault.drivers.postgres.sessions import Limits
from bitvault.drivers.watch import watch
from bitvault.http.app import Application, create_app
from bitvault.http.call import Reserve, Rooms
from bitvault.http.child import http_child
from bitvault.http.options import Options
from bitvault.kernel.addresses import networks
from bitvault.kernel.hosts import seen_from_here
from bitvault.kernel.settings import SettingError
from bitvault.outbox import Outbox
from bitvault.wiring import Blueprint, Choices, Wiring, choices_of
from bitvault.workers import consumers_of, relays, workers
from supervisors import (
    Actor,
    Child,
    ChildSpec,
    ChildStatus,
    Flags,
    Strategy,
    actor,
    process,
    supervisor,
)

MIGRATIONS = (
    "bitvault.outbox",
    "bitvault.actors.identity",
    "bitvault.actors.storage",
    "bitvault.actors.sharing",
    "bitvault.actors.files",
    "bitvault.actors.sso",
    "bitvault.actors.audit",
    "bitvault.actors.notifier",
)

_ROOT = Flags(Strategy.REST_FOR_ONE, intensity=3, period=60.0)
_CHAIN = Flags(Strategy.REST_FOR_ONE, intensity=5, period=30.0)
_PEERS = Flags(Strategy.ONE_FOR_ONE, intensity=5, period=30.0)
_MAILBOX = 512
_HANDLERS = 64
_INDEX_ROOM = 8 << 20
"""Bytes that the object store's index needs to start."""


def build(blueprint: Blueprint, wiring: Wiring) -> ChildSpec:
    """Describe the whole daemon as one child."""
    wiring.mailer = _mailer(blueprint, wiring)
    return assemble(
        wiring,
        choices_of(blueprint.settings),
        engines=_engines(blueprint, wiring),
        drivers=_drivers(blueprint, wiring),
        edges=_edges(blueprint, wiring),
    )


def assemble(
    wiring: Wiring,
    choices: Choices,
    *,
    engines: Sequence[ChildSpec] = (),
    drivers: Sequence[ChildSpec] = (),
    edges: Sequence[ChildSpec] = (),
) -> ChildSpec:
    """Put the platform between what it stands on and what shows it; the simulator has its own."""
    return supervisor(
        "root",
        _ROOT,
        [
            supervisor("engines", _CHAIN, engines),
            supervisor("drivers", _CHAIN, drivers),
            supervisor("rooms", _PEERS, _rooms(wiring, choices)),
            supervisor("relays", _PEERS, relays(wiring)),
            supervisor("workers", _PEERS, workers(wiring, choices)),
            supervisor("edges", _PEERS, edges),
        ],
    )


# Engines


def _engines(blueprint: Blueprint, wiring: Wiring) -> list[ChildSpec]:
    engines = []
    if (embedded := blueprint.postgres) is not None:
        disk = LocalDisk(embedded.folder)
        engines.append(when_there_is_room(_postgres(embedded), disk, ROOM_TO_START))
    if not blueprint.settings.objects.endpoint:
        disk = LocalDisk(blueprint.data)
        engines.append(when_there_is_room(_objectd(blueprint, wiring), disk, _INDEX_ROOM))
    return engines


def _postgres(embedded: Embedded) -> ChildSpec:
    return process(
        "postgres",
        embedded.command,
        ready=embedded.ready,
        stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown
        shutdown=30.0,
        output=partial(_pass_on, "postgres"),
        pidfile=embedded.pidfile,
    )


def _objectd(blueprint: Blueprint, wiring: Wiring) -> ChildSpec:
    objects = blueprint.settings.objects

    def listening(url: str) -> None:
        wiring.store_address = seen_from_here(url)

    store = EmbeddedStore(
        data=blueprint.data,
        listen=blueprint.settings.store_listen,
        bucket=objects.bucket,
        region=objects.region,
        origins=objects.cors_origins.split(","),
        proxies=networks(blueprint.settings.server.trusted_proxies),
        on_listening=listening,
        pass_on=partial(_pass_on, "objectd"),
    )
    return process(
        "objectd",
        store.command,
        ready=store.ready,
        shutdown=15.0,
        output=store.read,
        pidfile=store.pidfile,
    )


def _pass_on(engine: str, line: str) -> None:
    """Log an engine's line; what PostgreSQL says of its own well-being is for debugging."""
    log = structlog.get_logger("engine")
    say = log.debug if " LOG:  " in line else log.warning
    say(line, engine=engine)


# Drivers


def _drivers(blueprint: Blueprint, wiring: Wiring) -> list[ChildSpec]:
    settings = blueprint.settings
    embedded = blueprint.postgres
    dsn = embedded.dsn() if embedded else settings.database.url
    app_dsn = embedded.dsn(role=APP_ROLE) if embedded else dsn
    limits = Limits(size=settings.database.pool_size, statement=settings.database.statement_timeout)

    async def database(child: Child) -> None:
        setting = "server.data" if embedded else "database.url"
        await migrate_database(dsn, MIGRATIONS, setting)
        async with open_database(app_dsn, limits) as opened:
            child.statistics = opened.statistics
            wiring.provide(database=opened)
            async with open_database_look(app_dsn) as look:
                await _watched(child, partial(watch, DATABASE, look, wiring.dependencies))

    async def objects(child: Child) -> None:
        options = _s3(blueprint, wiring)
        async with open_objects(options, wiring.clock, wiring.ids) as opened:
            child.statistics = lambda: opened.capabilities
            wiring.provide(objects=opened)
            async with open_store_look(options) as look:
                await _watched(child, partial(watch, STORE, look, wiring.dependencies))

    return [ChildSpec("database", database), ChildSpec("objects", objects)]


async def _watched(child: Child, watching: Callable[[], Awaitable[None]]) -> None:
    """Have a driver started, and watched for as long as it lives."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watching)
        child.started()
        await child.stopping.wait()
        nursery.cancel_scope.cancel()


def _s3(blueprint: Blueprint, wiring: Wiring) -> S3Options:
    objects = blueprint.settings.objects
    endpoint = objects.endpoint or wiring.store_address
    keys = {
        role: AccessKey(key["accessKeyId"], key["secretAccessKey"])
        for role, key in blueprint.store_keys.items()
    }
    return S3Options(
        endpoint=endpoint,
        public_endpoint=objects.public_endpoint or endpoint,
        region=objects.region,
        bucket=objects.bucket,
        server_key=keys["server"],
        read_key=keys["read"],
        write_key=keys["write"],
    )


def _mailer(blueprint: Blueprint, wiring: Wiring) -> Mailer | None:
    mail = blueprint.settings.mail
    if not mail.host:
        return None
    options = SmtpOptions(
        host=mail.host,
        port=mail.port,
        security="none" if mail.security == "insecure" else mail.security,
        sender=sender_of(mail.sender),
        user=mail.user,
        password=blueprint.mail_password,
        ca_file=mail.ca_file,
        timeout=mail.timeout,
    )
    try:
        options.context()
    except OSError as error:
        raise SettingError("mail.ca_file", f"holds no certificates to trust: {error}") from error
    return SmtpMailer(options, wiring.clock)


# Rooms


def _rooms(wiring: Wiring, choices: Choices) -> list[ChildSpec]:
    clock, ids, below = wiring.clock, wiring.ids, wiring.registry.ref("storage")

    def outbox() -> Outbox:
        return Outbox(ids, clock, wiring.wakeups)

    def identity() -> Identity:
        held = wiring.limits
        return Identity(
            wiring.database, wiring.passwords, clock, ids, held, choices.identity, wiring.wakeups
        )

    def storage() -> Storage:
        return Storage(
            database=wiring.database,
            objects=wiring.objects,
            outbox=outbox(),
            clock=clock,
            ids=ids,
            options=choices.storage,
        )

    def files() -> Files:
        restrict = NewRestrictions(ids)
        return Files(wiring.database, outbox(), below, clock, ids, choices.files, restrict)

    def sharing() -> Sharing:
        files, identity = wiring.registry.ref("files"), wiring.registry.ref("identity")
        return Sharing(
            wiring.database, outbox(), files, identity, clock, ids, wiring.passwords, wiring.limits
        )

    rooms = (identity, storage, files, sharing)
    return [*(_room(wiring, make) for make in rooms), *_rooms_beside(wiring)]


def _rooms_beside(wiring: Wiring) -> list[ChildSpec]:
    """Describe the rooms that look at what the others did."""

    def audit() -> Audit:
        sharing = wiring.registry.ref("sharing")
        return Audit(wiring.database, wiring.downloads, sharing, wiring.clock, wiring.ids)

    def letters() -> Letters:
        consumers = {each.name: each for each in consumers_of(wiring)}
        return Letters(wiring.database, consumers, wiring.clock)

    def notifier() -> Notifier:
        return Notifier(wiring.database, wiring.clock, wiring.mailer is not None)

    def jobs() -> Jobs:
        ref = wiring.registry.ref
        counting = {name: ref(name) for name in COUNTING}
        return Jobs(wiring.board, ref("identity"), counting, wiring.clock)

    return [_room(wiring, make) for make in (_sso(wiring), audit, letters, notifier, jobs)]


def _sso(wiring: Wiring) -> Callable[[], Sso]:
    def sso() -> Sso:
        return Sso(
            wiring.database,
            Outbox(wiring.ids, wiring.clock, wiring.wakeups),
            wiring.registry.ref("identity"),
            wiring.registry.ref("files"),
            wiring.outgoing,
            wiring.sealing,
            wiring.clock,
            wiring.ids,
            lambda: wiring.url.rstrip("/"),
        )

    return sso


def _room(wiring: Wiring, make: Callable[[], Actor]) -> ChildSpec:
    """Describe a room as a child with the name of its factory."""
    name = make.__name__
    return actor(name, make, registry=wiring.registry, capacity=_MAILBOX, concurrency=_HANDLERS)


# Edges


def _edges(blueprint: Blueprint, wiring: Wiring) -> list[ChildSpec]:
    server = blueprint.settings.server

    def application(tree: Callable[[], ChildStatus]) -> Application:
        return create_app(
            Rooms.of(wiring.registry),
            wiring.clock,
            wiring.ids,
            wiring.limits,
            tree=tree,
            options=Options.of(blueprint.settings, _s3(blueprint, wiring).public_endpoint),
            reserve=_reserve(blueprint),
            dependencies=wiring.dependencies,
        )

    def listening(url: str) -> None:
        wiring.url = server.public_url or url

    serve = partial(http_child, application, server.listen, on_listening=listening)
    timeout, http2 = server.graceful_timeout, server.cleartext_http2
    return [serve(graceful_timeout=timeout, tls=server.tls, http2=http2)]


def _reserve(blueprint: Blueprint) -> Reserve | None:
    """Watch the disk of whatever is embedded; each engine may have one of its own mounted."""
    embedded, stores_here = blueprint.postgres, not blueprint.settings.objects.endpoint
    disks = [LocalDisk(embedded.folder)] if embedded else []
    disks += [LocalDisk(blueprint.data)] if stores_here else []
    keep = blueprint.settings.server.disk_reserve
    return Reserve(partial(least_free, disks), keep, stores_here) if disks else None

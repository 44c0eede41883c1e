"""THE PAGE: every engine, driver, service, relay, worker and edge, in start order, with strategies.

root        rest_for_one   whatever stands to the right of a dead child holds what died
├─ engines  rest_for_one   postgres*, objectd*            OS processes, *only when embedded
├─ drivers  rest_for_one   migrations, database, objects
├─ rooms    one_for_one    the services, as services.py lists them
├─ relays   one_for_one    outbox
├─ workers  one_for_one    the consumers and workers of the services
└─ edges    one_for_one    http
"""

import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import trio
from attrs import field, frozen

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.disk.local import LocalDisk, least_free, when_there_is_room
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.mail.compose import sender_of
from bitvault.drivers.mail.port import Mailer
from bitvault.drivers.mail.smtp import SmtpMailer, SmtpOptions
from bitvault.drivers.objects.embedded import EmbeddedStore
from bitvault.drivers.objects.s3 import SYSTEM as STORE
from bitvault.drivers.objects.s3 import S3Options, open_objects
from bitvault.drivers.objects.s3 import open_look as open_store_look
from bitvault.drivers.objects.sigv4 import AccessKey
from bitvault.drivers.outgoing.guarded import GuardedOutgoing
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.embedded import ROOM_TO_START, Embedded
from bitvault.drivers.postgres.faults import SYSTEM as DATABASE
from bitvault.drivers.postgres.migrate import migrate_database
from bitvault.drivers.postgres.pool import APP_ROLE, open_database
from bitvault.drivers.postgres.pool import open_look as open_database_look
from bitvault.drivers.postgres.sessions import Limits
from bitvault.drivers.sealing.aesgcm import KEY_BYTES, AesGcmSealing
from bitvault.drivers.watch import watch
from bitvault.edge.disk import DiskReserve
from bitvault.http.app import Application, create_app
from bitvault.http.child import http_child
from bitvault.http.options import Options
from bitvault.kernel.addresses import networks
from bitvault.kernel.hosts import seen_from_here
from bitvault.kernel.settings import SettingError, Settings
from bitvault.manifest import Context, Manifest
from bitvault.outbox import RELAY, Consumer, ConsumerLoop, Relay
from bitvault.services import SERVICES, Manifests, migrations_of, options_of, services_of
from bitvault.wiring import Wiring
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

_ROOT = Flags(Strategy.REST_FOR_ONE, intensity=3, period=60.0)
_CHAIN = Flags(Strategy.REST_FOR_ONE, intensity=5, period=30.0)
_PEERS = Flags(Strategy.ONE_FOR_ONE, intensity=5, period=30.0)
_MAILBOX = 512
_HANDLERS = 64
_ALL_HERE: Mapping[str, Callable[[], Actor]] = {}
_Here = tuple[Manifest[Any], Context[Any]]
_INDEX_ROOM = 8 << 20
"""Bytes that the object store's index needs to start."""


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


def wire(**chosen: Any) -> Wiring:
    """Pick the drivers of the ports that are not chosen."""
    usual: dict[str, Callable[[], Any]] = {
        "passwords": Argon2Passwords,
        "limits": MemoryLimits,
        "outgoing": GuardedOutgoing,
        "sealing": lambda: AesGcmSealing(os.urandom(KEY_BYTES)),
        "bus": MemoryBus,
    }
    picked = {name: make() for name, make in usual.items() if name not in chosen}
    return Wiring(**picked, **chosen)


def build(blueprint: Blueprint, wiring: Wiring) -> ChildSpec:
    """Describe the whole daemon as one child."""
    wiring.mailer = _mailer(blueprint, wiring)
    return assemble(
        SERVICES,
        wiring,
        options_of(SERVICES, blueprint.settings),
        engines=_engines(blueprint, wiring),
        drivers=_drivers(blueprint, wiring),
        edges=_edges(blueprint, wiring),
    )


def assemble(
    manifests: Manifests,
    wiring: Wiring,
    options: Mapping[str, Any],
    *,
    engines: Sequence[ChildSpec] = (),
    drivers: Sequence[ChildSpec] = (),
    edges: Sequence[ChildSpec] = (),
    remote: Mapping[str, Callable[[], Actor]] = _ALL_HERE,
) -> ChildSpec:
    """Put the platform between what it stands on and what shows it; the simulator has its own.

    ``remote`` are the services that another process has, by name: who asks for them here.
    """
    every = Context(wiring, None, manifests, options)
    here = [(one, every.of(one)) for one in manifests if one.name not in remote]
    return supervisor(
        "root",
        _ROOT,
        [
            supervisor("engines", _CHAIN, engines),
            supervisor("drivers", _CHAIN, drivers),
            supervisor("rooms", _PEERS, _services(wiring, here, remote)),
            supervisor("relays", _PEERS, [_relay(wiring)]),
            supervisor("workers", _PEERS, _workers(wiring, here)),
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
        await migrate_database(dsn, migrations_of(SERVICES), setting)
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


# Services, relays and workers


def _services(
    wiring: Wiring, here: Sequence[_Here], remote: Mapping[str, Callable[[], Actor]]
) -> list[ChildSpec]:
    described = partial(actor, registry=wiring.registry, capacity=_MAILBOX, concurrency=_HANDLERS)
    made = {one.name: partial(one.make, context) for one, context in here if one.make}
    return [described(name, make) for name, make in (made | dict(remote)).items()]


def _relay(wiring: Wiring) -> ChildSpec:
    async def outbox(child: Child) -> None:
        turns = wiring.board.turns(RELAY)
        await Relay(wiring.database, wiring.bus, wiring.wakeups, turns=turns).run(child)

    return ChildSpec("outbox", outbox)


def _workers(wiring: Wiring, here: Sequence[_Here]) -> list[ChildSpec]:
    """Describe the consumers of events, and then those who work on a timer."""
    consumers = [
        _consumer(wiring, make(context)) for one, context in here for make in one.consumers.values()
    ]
    return [*consumers, *(worker for one, context in here for worker in one.workers(context))]


def _consumer(wiring: Wiring, consumer: Consumer) -> ChildSpec:
    async def live(child: Child) -> None:
        turns = wiring.board.turns(consumer.name)
        loop = ConsumerLoop(
            consumer,
            wiring.database,
            wiring.bus,
            wiring.clock,
            lease=wiring.lease(f"consumer {consumer.name}"),
            turns=turns,
        )
        await loop.run(child)

    return ChildSpec(consumer.name, live)


# Edges


def _edges(blueprint: Blueprint, wiring: Wiring) -> list[ChildSpec]:
    server = blueprint.settings.server

    def application(tree: Callable[[], ChildStatus]) -> Application:
        return create_app(
            services_of(SERVICES, wiring.registry.ref),
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


def _reserve(blueprint: Blueprint) -> DiskReserve | None:
    """Watch the disk of whatever is embedded; each engine may have one of its own mounted."""
    embedded, stores_here = blueprint.postgres, not blueprint.settings.objects.endpoint
    disks = [LocalDisk(embedded.folder)] if embedded else []
    disks += [LocalDisk(blueprint.data)] if stores_here else []
    keep = blueprint.settings.server.disk_reserve
    return DiskReserve(partial(least_free, disks), keep, stores_here) if disks else None

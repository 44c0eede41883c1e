"""The command line of `bitvaultd`, and the way from settings to a running tree."""

import argparse
import gc
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog
import trio

from bitvault import __version__
from bitvault.actors.identity.contract import EnsureTenant
from bitvault.daemon.folder import (
    FolderError,
    held,
    installation_id,
    read_keys,
    sealing_key,
    secret_file,
    store_keys,
)
from bitvault.daemon.loading import load
from bitvault.daemon.logs import configure, observe
from bitvault.drivers.aio import open_loop
from bitvault.drivers.disk.local import LocalDisk, NoRoom
from bitvault.drivers.objects.probe import StoreUnfit
from bitvault.drivers.outgoing.guard import Allowed
from bitvault.drivers.outgoing.guarded import GuardedOutgoing
from bitvault.drivers.postgres.account import EmbeddedError
from bitvault.drivers.postgres.embedded import (
    ROOM_TO_START,
    check_path,
    prepare,
)
from bitvault.drivers.postgres.migrate import MigrationError
from bitvault.drivers.sealing.aesgcm import AesGcmSealing
from bitvault.http.child import bind
from bitvault.http.tls import Certificate
from bitvault.kernel.hosts import host_of, is_loopback
from bitvault.kernel.refusal import DependencyDown, Unavailable
from bitvault.kernel.settings import SettingError, Settings, ways_to_set
from bitvault.tree import Blueprint, build, wire
from bitvault.wiring import Wiring
from supervisors import ChildStuck, GaveUp, ProcessExited, Report, TreeHandle, run_tree

_EXAMPLES = """examples:
  bitvaultd serve                              everything embedded, in ./bitvault-data
  bitvaultd serve --data /srv/bitvault --listen 0.0.0.0:8080
  bitvaultd serve --config /etc/bitvault.toml
  BITVAULT_LOG_LEVEL=debug bitvaultd serve
"""
_TOLD = (
    SettingError,
    FolderError,
    EmbeddedError,
    MigrationError,
    StoreUnfit,
    DependencyDown,
    NoRoom,
    ProcessExited,
)
_SETTING_OF = {"postgresql": "database.url", "object store": "objects.endpoint"}
_COLLECTED_AFTER = (20_000, 50, 1000)
"""New objects until the youngest are looked through, and how often that is until older ones are."""
_FAILED = 1
_USAGE = 2


def main() -> None:
    """Run `bitvaultd`; exits with 0 after a polite stop, 2 for a wrong setting, else 1."""
    options = _options()
    given = {
        "server.data": options.data,
        "server.listen": options.listen,
        "objects.listen": options.store_listen,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    try:
        settings = load(options.config, os.environ, flags)
        configure(settings.log)
        _check_path(settings)
        with held(Path(settings.server.data)) as data:
            _check_addresses(settings)
            _check_room(settings, data)
            trio.run(_serve, settings, data)
    except Exception as error:  # noqa: BLE001 - what is not for the operator is raised again
        sys.exit(_complain(error))


def _options() -> argparse.Namespace:
    parser, serve = _parsers()
    options, unknown = parser.parse_known_args()
    if unknown:
        # argparse would show the usage of the program here, which has no options to choose from.
        serve.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(prog="bitvaultd", description="The BitVault daemon.")
    parser.add_argument("--version", action="version", version=f"bitvaultd {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="run the daemon",
        description="Run the daemon; whatever is not configured runs embedded.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--data", metavar="DIR", help="data folder (server.data)")
    serve.add_argument("--listen", metavar="HOST:PORT", help="REST address (server.listen)")
    serve.add_argument(
        "--store-listen",
        metavar="HOST:PORT",
        help="address of the embedded object store (objects.listen)",
    )
    serve.add_argument("--config", metavar="FILE", type=Path, help="settings, in TOML")
    return parser, serve


def _check_addresses(settings: Settings) -> None:
    """Refuse a taken port before anything starts: the embedded store could only exit with 1.

    A wrong certificate as well: the edge is the last to start.
    """
    bind(settings.server.listen).close()
    if settings.server.tls is not None:
        Certificate(*settings.server.tls)
    if not settings.objects.endpoint:
        bind(settings.store_listen, "objects.listen").close()


def _check_path(settings: Settings) -> None:
    """Refuse a folder that the embedded PostgreSQL could not serve, before anything is made."""
    try:
        if not settings.database.url:
            check_path(Path(settings.server.data).absolute() / "postgres")
    except EmbeddedError as error:
        raise FolderError(f"server.data: {error}") from error


def _check_room(settings: Settings, data: Path) -> None:
    """Refuse a disk on which the embedded PostgreSQL could not even recover."""
    free = LocalDisk(data).free()
    if not settings.database.url and free < ROOM_TO_START:
        figures = f"{free >> 20} MiB are free, {ROOM_TO_START >> 20} MiB are needed"
        advice = "make room, or choose another folder with --data"
        raise FolderError(f"server.data: the disk of {data} is full ({figures}); {advice}")


def _complain(error: BaseException) -> int:
    """Say in one line what an operator can act on; anything else is a bug and is raised."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    chain = [error]
    # An error may name itself as its cause; a daemon that gave up must not go round in that.
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    for told in chain:
        if isinstance(told, _TOLD):
            sys.stderr.write(f"bitvaultd: {_named(told)}\n")
            return _USAGE if isinstance(told, SettingError | FolderError) else _FAILED
    if isinstance(error, GaveUp):
        sys.stderr.write(f"bitvaultd: {error}; the log says why\n")
        return _FAILED
    raise error


def _named(told: Exception) -> str:
    """Say which setting leads to what is wrong; ``told`` has no password in it."""
    if isinstance(told, EmbeddedError):
        return f"server.data: {told}"
    if isinstance(told, ProcessExited):
        return f"{told}; the log says why"
    if not isinstance(told, DependencyDown) or told.dependency not in _SETTING_OF:
        return str(told)
    return f"{_SETTING_OF[told.dependency]}: {told}"


async def _serve(settings: Settings, data: Path) -> None:
    blueprint = await _blueprint(settings, data)
    stop = trio.Event()
    async with open_loop(), trio.open_nursery() as nursery:
        wiring = wire(
            outgoing=GuardedOutgoing(Allowed.of(settings.outgoing.allow)),
            holder=installation_id(data),
            sealing=AesGcmSealing(blueprint.sealing_key),
        )
        nursery.start_soon(_stop_on_signal, stop, nursery.cancel_scope)
        await nursery.start(_tree, blueprint, wiring, stop, nursery.cancel_scope)
        await _welcome(wiring, data)
        _set_aside()
        _announce(wiring.url)
        _warn(settings, wiring)


def _set_aside() -> None:
    """Spare the garbage collector what stays as long as the process does.

    A full collection goes through every object, and everybody waits for it: 70 ms for those that
    are there after the start alone. What is frozen is not gone through, so it looks less often:
    nearly all that a request leaves behind is freed without it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


async def _tree(  # noqa: ASYNC128 - run_tree says that it has started
    blueprint: Blueprint,
    wiring: Wiring,
    stop: trio.Event,
    program: trio.CancelScope,
    task_status: trio.TaskStatus[TreeHandle],
) -> None:
    """Run the tree; when it has ended, so has the program."""
    await run_tree(build(blueprint, wiring), observer=watch, stop=stop, task_status=task_status)
    program.cancel()


def watch(report: Report) -> None:
    """Log what supervisors report, and leave at once when a child can't be ended.

    Nothing above such a child could be stopped or restarted any more, so the process would neither
    serve nor end. Leaving is what ``kill -9`` does, and as safe: the engines end with the daemon.
    """
    observe(report)
    if isinstance(report, ChildStuck):
        os._exit(_FAILED)


async def _stop_on_signal(stop: trio.Event, scope: trio.CancelScope) -> None:
    """Stop politely at the first signal, at once at the second."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            if stop.is_set():
                scope.cancel()
                return
            _tell("stopping …")
            stop.set()


async def _blueprint(settings: Settings, data: Path) -> Blueprint:
    """Decide what is embedded, and prepare it."""
    embedded_store = not settings.objects.endpoint
    if embedded_store:
        keys = store_keys(data / "object-store-keys.json")
        _write_objectd_keys(data, keys)
    elif settings.objects.credentials_file:
        keys = read_keys(Path(settings.objects.credentials_file))
    else:
        raise SettingError("objects.credentials_file", "is needed with objects.endpoint")
    postgres = None
    if not settings.database.url:
        _say("PostgreSQL (embedded)")
        postgres = await trio.to_thread.run_sync(prepare, data / "postgres")
    if embedded_store:
        _say("object store (embedded)")
    _say("rooms: identity, storage, files, sharing, sso, audit, letters, notifier, jobs")
    sealing = sealing_key(data, settings.server.secrets_key_file)
    return Blueprint(settings, data, keys, postgres, sealing, _mail_password(settings))


def _mail_password(settings: Settings) -> str:
    if not settings.mail.password_file:
        return ""
    try:
        return Path(settings.mail.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError("mail.password_file", f"cannot be read: {error}") from error


def _write_objectd_keys(data: Path, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Give the embedded store its keys: the two that clients see can do one thing only."""
    allowed = {"server": ["admin"], "read": ["read"], "write": ["write"]}
    entries = [{**keys[role], "permissions": allowed[role]} for role in allowed]
    secret_file(data / "objectd-credentials.json", json.dumps({"keys": entries}) + "\n")


def _say(what: str) -> None:
    _tell(f"starting {what}")


def _tell(line: str) -> None:
    """Write for the person who started the daemon; logs go to standard error."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _announce(url: str) -> None:
    _tell(f"BitVault {__version__} is ready at {url}")
    _tell(f"  status {url}/status · API {url}/v1/docs")
    _tell("  Ctrl-C stops it")


def _warn(settings: Settings, wiring: Wiring) -> None:
    """Say so when clients elsewhere would be sent to a store that they cannot reach."""
    objects, server = settings.objects, settings.server
    store = objects.public_endpoint or objects.endpoint or wiring.store_address
    rest = server.public_url or server.listen
    if is_loopback(host_of(rest)) or not is_loopback(host_of(store)):
        return
    _tell(f"warning: other machines reach this address, but are told to transfer bytes at {store}")
    _tell("  say where they reach the object store, as http://NAME:PORT or https://NAME:")
    _tell(f"  {ways_to_set('objects.public_endpoint')}")
    log = structlog.get_logger("daemon")
    log.warning("the object store is out of clients' reach", store=store, rest=rest)


async def _welcome(wiring: Wiring, data: Path) -> None:
    """At the first start: make the tenant and its admin, and say how to log in."""
    path = data / "admin-password"
    fresh = not path.exists()
    if fresh:
        # Written before the account exists: a crash in between must not lose the password.
        secret_file(path, secrets.token_urlsafe(15) + "\n")
    password = path.read_text(encoding="utf-8").strip()
    reply = await wiring.registry.ref("identity").ask(EnsureTenant("default", "admin", password))
    if isinstance(reply, Unavailable):
        # The password file stays: the next start tries again with the same password.
        raise DependencyDown(reply.dependency, "did not answer at the first start")
    if reply is not None:
        _tell(f"first start: tenant default, user admin, password {password}")
        _tell(f"  (also in {path})")
    elif fresh:
        path.unlink()

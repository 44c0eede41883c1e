"""`python -m bitvault.objectd`: settings, fail-closed start, one readiness line on stdout."""

import argparse
import ipaddress
import json
import resource
import sqlite3
import sys
from pathlib import Path

import structlog
import trio

from bitvault.objectd.connection import Service
from bitvault.objectd.credentials import CredentialsError, load_keyring
from bitvault.objectd.effects import wall_clock
from bitvault.objectd.listing import valid_bucket
from bitvault.objectd.operation import Limits
from bitvault.objectd.server import Server, ServerOptions
from bitvault.objectd.store import DataFolderError, Store

_OTHER_FILES = 256


def main() -> int:
    """Run the store; 0 after a polite stop, 1 with one line on stderr when it can't start."""
    options = _parser().parse_args()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _allow_open_files(options.max_connections)
    try:
        trio.run(_run, options)
    except (CredentialsError, DataFolderError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"objectd: {error}\n")
        return 1
    return 0


def _allow_open_files(connections: int) -> None:
    """Each connection may need a socket and a blob; ask for as many as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 2 * connections + _OTHER_FILES)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


async def _run(options: argparse.Namespace) -> None:
    keyring = load_keyring(options.credentials)
    host, port = options.listen
    store = Store(options.data)
    service = Service(
        store=store,
        keyring=keyring,
        region=options.region,
        origins=tuple(options.cors_origin),
        limits=Limits(min_part=options.min_part_size),
        now=wall_clock,
    )
    for bucket in options.bucket:
        store.create_bucket_now(bucket, int(wall_clock() * 1000))
    proxies = tuple(options.trusted_proxy)
    server = Server(
        service, ServerOptions(host, port, options.max_connections, options.stop_timeout, proxies)
    )
    try:
        await server.run(_announce)
    finally:
        store.close()


def _announce(address: str) -> None:
    sys.stdout.write(json.dumps({"event": "listening", "address": address}) + "\n")
    sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 0xFFFF:  # noqa: PLR2004 - the last TCP port
        raise argparse.ArgumentTypeError("must be HOST:PORT")
    return host.strip("[]"), int(port)


def _bucket(text: str) -> str:
    if not valid_bucket(text):
        raise argparse.ArgumentTypeError("must be a valid bucket name")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="objectd", description="A small S3 object store.")
    add = parser.add_argument
    add("--data", type=Path, required=True, help="data folder")
    add("--listen", type=_address, default=("127.0.0.1", 0), help="HOST:PORT, port 0 picks one")
    add("--credentials", type=Path, required=True, help="JSON file of access keys")
    add("--bucket", type=_bucket, action="append", default=[], help="create this bucket")
    add("--region", default="us-east-1", help="the region signatures must name")
    add("--cors-origin", action="append", default=[], help="an origin browsers may come from")
    add("--max-connections", type=int, default=512)
    add(
        "--trusted-proxy",
        type=ipaddress.ip_network,
        action="append",
        default=[],
        help="address or network of a proxy, which is held to no share of the connections",
    )
    add("--stop-timeout", type=float, default=10.0, help="seconds to finish requests in flight")
    add("--min-part-size", type=int, default=5 * 1024**2, help="bytes; S3 says 5 MiB")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

"""A PostgreSQL on another machine is spoken to over TLS, and is who it says it is."""

import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import trio
import trio.testing
import trustme

from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.kernel.refusal import DependencyDown
from tests.support.postgres import PostgresServer, opened

_SSL_REQUEST = struct.pack(">ii", 8, 80877103)
"""PostgreSQL's protocol, "SSLRequest"; a server that speaks TLS answers S."""
_SLEEP = Query("sleep", "SELECT pg_sleep($1)", ("seconds",))
_ENCRYPTED = Query("encrypted", "SELECT current_user::text AS name", ())


@asynccontextmanager
async def front(server: PostgresServer, authority: trustme.CA) -> AsyncIterator[int]:
    """Listen with TLS before a server whose programs were built without it; yields the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    path = str(server.embedded.socket / ".s.PGSQL.5432")

    async def serve(plain: trio.SocketStream) -> None:
        if await plain.receive_some(len(_SSL_REQUEST)) != _SSL_REQUEST:
            await plain.aclose()
            return
        await plain.send_all(b"S")
        wrapped = trio.SSLStream(plain, context, server_side=True, https_compatible=True)
        try:
            await wrapped.do_handshake()
            async with await trio.open_unix_socket(path) as behind, trio.open_nursery() as nursery:
                nursery.start_soon(_pass_on, wrapped, behind, nursery.cancel_scope)
                nursery.start_soon(_pass_on, behind, wrapped, nursery.cancel_scope)
        except trio.BrokenResourceError:
            pass  # a client that does not trust us hangs up
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(wrapped)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def _pass_on(
    source: trio.abc.ReceiveStream, target: trio.abc.SendStream, scope: trio.CancelScope
) -> None:
    async for chunk in source:
        await target.send_all(chunk)
    scope.cancel()


def address(server: PostgresServer, host: str, port: int, ca: Path) -> str:
    """Return the URL as an operator writes it."""
    account = server.dsn().rpartition("user=")[2]
    return f"postgresql://{account}@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={ca}"


async def _who(tx: Transaction) -> str:
    row = await tx.fetchrow(_ENCRYPTED)
    return str(row and row["name"])


async def _sleep(tx: Transaction) -> None:
    await tx.execute(_SLEEP, seconds=60)


@pytest.mark.requirement("X64")
async def test_a_server_that_proves_who_it_is_is_used(
    migrated_server: PostgresServer, tmp_path: Path
) -> None:
    """Statements and their answers pass through TLS."""
    authority, ca = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with trio.fail_after(20):
        async with (
            front(migrated_server, authority) as port,
            opened(address(migrated_server, "localhost", port, ca)) as database,
        ):
            assert await database.read(None, _who) == "bitvault_system"


async def test_statements_over_tls_end_as_others_do(
    migrated_server: PostgresServer, tmp_path: Path
) -> None:
    """Transactions, cancelled statements and late ones, though the loop reads and writes."""
    authority, ca = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    limits = Limits(size=1, statement=0.0, network=0.5)
    with trio.fail_after(20):
        async with (
            front(migrated_server, authority) as port,
            opened(address(migrated_server, "localhost", port, ca), limits) as database,
        ):
            assert await database.transact(UUID(int=1), _who) == "bitvault_app"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(database.transact, None, _sleep)
                await trio.testing.wait_all_tasks_blocked(0.05)
                nursery.cancel_scope.cancel()
            assert database.statistics().idle == 1
            with pytest.raises(DependencyDown, match="no answer within"):
                await database.read(None, _sleep)
            assert database.statistics().idle == 0
            assert await database.read(UUID(int=1), _who) == "bitvault_app"


@pytest.mark.requirement("X64")
@pytest.mark.parametrize("case", ["another authority", "another name"])
async def test_a_server_that_does_not_is_sent_nothing(
    migrated_server: PostgresServer, tmp_path: Path, case: str
) -> None:
    """Neither a certificate of somebody else's nor one of another host is taken."""
    authority, ca = trustme.CA(), tmp_path / "ca.pem"
    trusted = trustme.CA() if case == "another authority" else authority
    trusted.cert_pem.write_to_path(ca)
    host = "127.0.0.1" if case == "another name" else "localhost"
    with trio.fail_after(20):
        async with (
            front(migrated_server, authority) as port,
            opened(address(migrated_server, host, port, ca)) as database,
        ):
            with pytest.raises(DependencyDown, match="certificate"):
                await database.read(None, _who)

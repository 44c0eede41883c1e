"""One daemon for all stories that leave it standing."""

from collections.abc import Iterator

import httpx
import pytest
import trio

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import CreateTenant
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds
from tests.support.daemon import Daemon, running_daemon
from tests.support.postgres import opened
from tests.support.smtp import SmtpServer, mail_settings, running_smtp

QUOTA = 1 << 30


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """Run a mail server."""
    with running_smtp(tmp_path_factory.mktemp("smtp")) as server:
        yield server


@pytest.fixture(scope="session")
def standing(mail_server: SmtpServer) -> Iterator[Daemon]:
    """Run a daemon whose personal spaces hold 1 GiB, and which sends mail."""
    with running_daemon(
        BITVAULT_QUOTA_PERSONAL_SPACE=str(QUOTA), **mail_settings(mail_server)
    ) as daemon:
        yield daemon


@pytest.fixture
def client(standing: Daemon) -> Iterator[httpx.Client]:
    """Be the first tenant's admin."""
    with standing.client() as client:
        yield client


@pytest.fixture(scope="session")
def other_tenant(standing: Daemon) -> str:
    """Create a second tenant as an operator would: no route leads to it."""
    password = (standing.data / "admin-password").read_text().strip()
    trio.run(_create_tenant, standing.dsn(), password)
    return "other"


async def _create_tenant(dsn: str, password: str) -> None:
    async with opened(dsn) as database:
        options = IdentityOptions(86_400.0, 86_400.0)
        room = Identity(
            database, Argon2Passwords(), SystemClock(), SystemIds(), MemoryLimits(), options
        )
        await room.tenants.create_tenant(CreateTenant("other", "admin", password))


@pytest.fixture
def stranger(standing: Daemon, other_tenant: str) -> Iterator[httpx.Client]:
    """Be the second tenant's admin."""
    with standing.client(tenant=other_tenant) as client:
        yield client

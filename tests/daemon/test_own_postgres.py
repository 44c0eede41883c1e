"""A PostgreSQL that is not the daemon's own: which versions, and what its account needs."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon
from tests.support.postgres import PostgresServer, running_server
from tests.support.uploads import download, upload

pytestmark = pytest.mark.slow
_OLD = Path(sys.prefix) / "postgresql-15" / "pgserver" / "pginstall"
_HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "operate.md"
_MADE = ("DROP DATABASE IF EXISTS bitvault", "DROP ROLE IF EXISTS bitvault_of_a_test")
_ROLES = ("DROP ROLE IF EXISTS bitvault_app", "DROP ROLE IF EXISTS bitvault_system")


@pytest.fixture(scope="module", params=[15, 18])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """Have a server of each version; `make dev` installs the older one."""
    old = request.param != 18
    assert not old or _OLD.is_dir(), "PostgreSQL 15 is not installed: run make dev"
    with running_server(programs=_OLD if old else None) as server:
        yield server


def recipes() -> list[list[str]]:
    """Return the statements of each way that the how-to gives, for a role of another name."""
    blocks = re.findall(r"```sql\n(.*?)```", _HOW_TO.read_text(), re.DOTALL)
    told = [block for block in blocks if "CREATE ROLE bitvault" in block]
    named = [re.sub(r"\bbitvault( LOGIN| ENC|;)", r"bitvault_of_a_test\1", one) for one in told]
    return [[line for line in one.splitlines() if line] for one in named]


@pytest.mark.parametrize("way", [0, 1], ids=["createrole", "roles made for it"])
def test_the_rights_in_the_how_to_are_enough(
    daemon: Daemon, server: PostgresServer, way: int
) -> None:
    """With the statements that it shows, and no others, a file goes up and comes back."""
    for statement in (*_MADE[:1], *_ROLES, *_MADE[1:], *recipes()[way]):
        server.run(statement)
    dsn = server.embedded.dsn("bitvault", role="bitvault_of_a_test")
    daemon.environment = {"BITVAULT_DATABASE_URL": dsn}
    for name in ("first", "second"):
        with daemon.start().client() as client:
            node = upload(client, f"/{name}.txt", name.encode())["id"]
            assert download(client, node) == name.encode()
        assert daemon.stop() == 0


def test_an_account_that_may_too_little_is_told(daemon: Daemon, server: PostgresServer) -> None:
    """One line that names the setting and what is missing; the account owns nothing."""
    for statement in (*_MADE[:1], *_ROLES, *_MADE[1:]):
        server.run(statement)
    server.run("CREATE ROLE bitvault_of_a_test LOGIN")
    server.run("CREATE DATABASE bitvault")
    daemon.environment = {
        "BITVAULT_DATABASE_URL": server.embedded.dsn("bitvault", role="bitvault_of_a_test")
    }
    assert daemon.launch().wait(60) == 1
    (line,) = [line for line in daemon.log.splitlines() if not line.startswith("{")]
    assert "database.url" in line
    assert "CREATEROLE" in line

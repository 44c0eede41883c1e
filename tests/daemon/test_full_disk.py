"""A disk that fills up under everything embedded: writing ends early, and nothing ends for good."""

import asyncio  # noqa: TID251 - the database is driven outside any Trio run
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from attrs import frozen

from tests.support.daemon import Daemon, eventually, open_folder
from tests.support.tables import unchanged
from tests.support.uploads import download, init, upload

pytestmark = pytest.mark.slow
RESERVE = 64 << 20
SIZE = 288 << 20


@frozen
class SmallDisk:
    """A daemon whose data folder is a file system of its own."""

    daemon: Daemon

    @property
    def ballast(self) -> Path:
        """Return the file that takes the room away."""
        return self.daemon.data / "ballast"

    def free(self) -> int:
        """Return what is left."""
        found = os.statvfs(self.daemon.data)
        return found.f_bavail * found.f_frsize

    def fill(self, left: int) -> None:
        """Take everything but ``left`` bytes."""
        taken = self.ballast.stat().st_size if self.ballast.exists() else 0
        with self.ballast.open("ab") as file:
            os.posix_fallocate(file.fileno(), taken, self.free() - left)

    def empty(self) -> None:
        """Give it all back."""
        self.ballast.unlink()


@pytest.fixture
def small() -> Iterator[SmallDisk]:
    """Mount a tmpfs of 288 MiB, and start a daemon on it that keeps 64 MiB free."""
    with open_folder() as folder:
        daemon = Daemon(folder, {"BITVAULT_SERVER_DISK_RESERVE": str(RESERVE)})
        daemon.data.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", daemon.data]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("only root with CAP_SYS_ADMIN can mount a small file system")
        try:
            yield SmallDisk(daemon.start())
        finally:
            daemon.stop()
            subprocess.run(["umount", "--lazy", daemon.data], check=True)


def test_short_of_room_it_refuses_to_write_and_serves_the_rest(small: SmallDisk) -> None:
    """Init, mkdir and move are 507 and change no row; reading, login and removing go on."""
    with small.daemon.client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
        doomed = upload(client, "/doomed.txt", b"doomed")["id"]
        small.fill(RESERVE - (1 << 20))
        with unchanged(small.daemon):
            refusals = [
                client.post("/v1/files", json={"path": "/big", "size": 100 << 20}),
                client.post("/v1/folders", json={"path": "/new"}),
                client.patch(f"/v1/files/{node}", json={"name": "other"}),
            ]
        assert {(one.status_code, one.json()["code"]) for one in refusals} == {(507, "disk_full")}
        assert "make room" in refusals[0].json()["detail"]
        assert download(client, node) == b"kept"
        assert client.delete(f"/v1/files/{doomed}").status_code == 200
        assert client.get("/v1/status").json()["disk"]["isShort"]
        small.daemon.client().close()
        small.empty()
        upload(client, "/after.txt", b"after")
        assert not client.get("/v1/status").json()["disk"]["isShort"]


def test_an_upload_that_cannot_fit_is_refused_before_a_byte_moves(small: SmallDisk) -> None:
    """There is room to write, but not for this; one that fits goes up."""
    with small.daemon.client() as client:
        huge = client.post("/v1/files", json={"path": "/huge", "size": SIZE})
        assert (huge.status_code, huge.json()["code"]) == (507, "disk_full")
        init(client, "/small", b"small")


def test_a_database_without_room_to_live_comes_back_when_there_is_some(small: SmallDisk) -> None:
    """PostgreSQL panics on a full WAL and cannot recover; the daemon waits with it, and serves."""
    with small.daemon.client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
        small.fill(0)
        panic(small.daemon)
        eventually(lambda: postgres(small.daemon)["state"] == "starting", 20)
        assert httpx.get(f"{small.daemon.url}/livez").status_code == 200
        assert httpx.get(f"{small.daemon.url}/readyz").status_code == 503
        refused = client.get("/v1/me")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        room = postgres(small.daemon)["statistics"]
        assert room["bytes_free"] < room["bytes_needed"]
        small.empty()
        eventually(lambda: httpx.get(f"{small.daemon.url}/readyz").status_code == 200, 30)
        assert download(client, node) == b"kept"
        upload(client, "/after.txt", b"after")


def test_a_start_on_a_full_disk_is_refused_in_one_line(small: SmallDisk) -> None:
    """The line names the setting and both figures; after that there is room again, it starts."""
    small.daemon.stop()
    small.fill(1 << 20)
    assert small.daemon.launch().wait(30) == 2
    assert small.daemon.log.startswith("bitvaultd: server.data: the disk of ")
    assert "1 MiB are free, 48 MiB are needed" in small.daemon.log
    assert len(small.daemon.log.splitlines()) == 1
    small.empty()
    small.daemon.start()


def postgres(daemon: Daemon) -> dict[str, Any]:
    """Return how the status shows PostgreSQL."""
    engines = httpx.get(f"{daemon.url}/v1/status").json()["tree"]["children"][0]
    return dict(engines["children"][0])


def panic(daemon: Daemon) -> None:
    """Make PostgreSQL ask for one WAL segment after the other, until there is no room for one."""

    async def switch() -> None:
        connection = await asyncpg.connect(daemon.dsn())
        while True:
            await connection.execute("SELECT pg_logical_emit_message(false, 'full', 'disk')")
            await connection.execute("SELECT pg_switch_wal()")

    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        asyncio.run(switch())

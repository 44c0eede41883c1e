"""An engine that dies under the daemon."""

import httpx
import pytest

from tests.support.daemon import Daemon, child_named, eventually, kill_and_wait
from tests.support.uploads import download, upload


@pytest.mark.parametrize("engine", ["postgres", "objectd"])
def test_a_killed_engine_comes_back_and_nothing_is_lost(daemon: Daemon, engine: str) -> None:
    """The daemon reports unready or refuses meanwhile, restarts the engine, and serves again."""
    with daemon.start().client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
        token = client.headers["Authorization"]
    kill_and_wait(child_named(daemon.pid, engine))
    eventually(lambda: _restarted(daemon, engine))
    eventually(lambda: _is_ready(daemon))
    with httpx.Client(base_url=daemon.url, headers={"Authorization": token}) as client:
        assert download(client, node) == b"kept"
        upload(client, "/after.txt", b"after")


def _restarted(daemon: Daemon, engine: str) -> bool:
    return f'"root/engines/{engine}"' in daemon.log and "restarting" in daemon.log


def _is_ready(daemon: Daemon) -> bool:
    try:
        return httpx.get(f"{daemon.url}/readyz").status_code == 200
    except httpx.TransportError:
        return False

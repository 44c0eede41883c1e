"""The real object store, a control plane in memory, and a client of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bitvault.client.client import Client
from bitvault.client.retry import RetryPolicy
from bitvault.client.state import UploadStates
from bitvault.client.uploads import Uploader
from tests.client.control_plane import ControlPlane
from tests.support.object_store import ObjectStoreServer, running_object_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreServer]:
    """Run the embedded object store for a module's tests."""
    with running_object_store(tmp_path_factory.mktemp("store"), "bv-bucket") as server:
        yield server


@pytest.fixture
def control(store: ObjectStoreServer) -> Iterator[ControlPlane]:
    """Serve the transfer contract from memory."""
    plane = ControlPlane(store.endpoint, store.access_key, store.secret_key, store.bucket)
    yield plane
    plane.release.set()
    plane.close()


@pytest.fixture
def client(control: ControlPlane) -> Iterator[Client]:
    """Talk to it, without waiting between retries."""
    policy = RetryPolicy(attempts=3, wait=lambda _: None)
    with Client(control.url, "bv_test", policy=policy) as connected:
        yield connected


@pytest.fixture
def uploader(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Uploader:
    """Upload with state in a folder of the test's own."""
    return Uploader(client, jobs=2, states=UploadStates(tmp_path_factory.mktemp("state")))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a file of five parts and a bit, each part different."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        for number in range(5):
            file.write(bytes([number]) * (16 << 20))
        file.write(b"tail")
    return path

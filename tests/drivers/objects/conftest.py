"""The stores the conformance suite runs over: memory, the embedded one, and a known liar."""

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from attrs import evolve, frozen

from bitvault.drivers import aio
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import ObjectStore, Signed
from bitvault.drivers.objects.probe import Answer, http_sender
from bitvault.drivers.objects.s3 import S3Options, open_objects
from bitvault.drivers.objects.sigv4 import AccessKey
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds

KEYS = {name: AccessKey(f"key-{name}", f"secret-of-{name}-0123456789") for name in "swr"}


@frozen
class Place:
    """A store, and a client's way to it."""

    store: ObjectStore
    send: Callable[[Signed, bytes], Awaitable[Answer]]


@pytest.fixture(scope="session")
def objectd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the embedded object store as a process; yield its endpoint."""
    folder = tmp_path_factory.mktemp("objectd")
    rights = {"s": "admin", "w": "write", "r": "read"}
    keys = [
        {"accessKeyId": k.key_id, "secretAccessKey": k.secret, "permissions": [rights[n]]}
        for n, k in KEYS.items()
    ]
    credentials = folder / "keys.json"
    credentials.touch(0o600)
    credentials.write_text(json.dumps({"keys": keys}))
    arguments = ["--data", str(folder / "data"), "--credentials", str(credentials)]
    command = [sys.executable, "-m", "bitvault.objectd", *arguments, "--bucket", "bitvault"]
    with running([*command, "--min-part-size", "16"]) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        yield address if "://" in address else f"http://{address}"


class running:  # noqa: N801 - reads as a phrase
    """A process that ends with the block."""

    def __init__(self, command: list[str], where: Path | None = None) -> None:
        self.process = subprocess.Popen(command, cwd=where, stdout=subprocess.PIPE)

    def __enter__(self) -> "subprocess.Popen[bytes]":
        """Return the process."""
        return self.process

    def __exit__(self, *_: object) -> None:
        """Stop it and wait."""
        self.process.terminate()
        self.process.communicate(timeout=20)


def options_for(endpoint: str) -> S3Options:
    """Return how to reach a store of these tests."""
    return S3Options(endpoint, "", "us-east-1", "bitvault", KEYS["s"], KEYS["r"], KEYS["w"])


@asynccontextmanager
async def real(options: S3Options) -> AsyncIterator[Place]:
    """Open a real store, probed."""
    async with (
        aio.open_loop(),
        open_objects(options, SystemClock(), SystemIds()) as store,
        http_sender() as send,
    ):
        yield Place(store, send)


@pytest.fixture(params=["memory", "objectd"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Each honest store in turn."""
    if request.param == "memory":
        store = MemoryObjectStore(SystemClock(), min_part=16)
        yield Place(store, store.send)
        return
    async with AsyncExitStack() as stack:
        endpoint = request.getfixturevalue("objectd")
        yield await stack.enter_async_context(real(options_for(endpoint)))


@pytest.fixture
def liar_options(tmp_path: Path) -> Iterator[S3Options]:
    """Run ``rclone serve s3``, which believes what it is told."""
    (tmp_path / "bitvault").mkdir()
    rclone = str(Path(sys.executable).parent / "rclone")
    key = KEYS["s"]
    command = [rclone, "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key"]
    command += [f"{key.key_id},{key.secret}", "--vfs-cache-mode", "off", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr is not None
    line = next(line for line in process.stderr if b"http://" in line).decode()
    endpoint = "http://" + line.split("http://")[1].split("/")[0].strip("[]\n ")
    try:
        yield evolve(options_for(endpoint), read_key=key, write_key=key)
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A store that cannot be used because of one setting: the one line says which."""

import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from botocore.exceptions import ClientError
from structlog.testing import capture_logs
from trio.testing import MockClock

from bitvault.drivers import aio
from bitvault.drivers.objects.probe import StoreUnfit
from bitvault.drivers.objects.s3 import S3Options, open_look, open_objects
from bitvault.drivers.objects.sigv4 import AccessKey
from bitvault.drivers.watch import watch
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.dependencies import Dependencies
from bitvault.kernel.ids import SystemIds
from bitvault.kernel.refusal import DependencyDown
from tests.drivers.objects.conftest import KEYS, running
from tests.support.daemon import free_address

_STRANGER = AccessKey("AKSTRANGER", "canary-secret-of-another")
_SLIP = AccessKey(KEYS["s"].key_id, "canary-secret")


@pytest.fixture
def options(objectd: str) -> S3Options:
    """Return the right settings."""
    return S3Options(
        objectd, objectd, "us-east-1", "bitvault", KEYS["s"], KEYS["r"], KEYS["w"], 1.0, 2.0
    )


async def refusal(options: S3Options) -> str:
    """Open the store, and return what is told of it."""
    async with aio.open_loop():
        with pytest.raises((StoreUnfit, DependencyDown)) as caught:
            async with open_objects(options, SystemClock(), SystemIds()):
                pytest.fail("the store was opened")
    said = str(caught.value)
    assert "canary" not in said
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ({"server_key": _STRANGER}, "objects.credentials_file"),
        ({"server_key": _SLIP}, "objects.credentials_file"),
        ({"write_key": _STRANGER}, "objects.credentials_file"),
        ({"read_key": _SLIP}, "objects.credentials_file"),
        ({"write_key": KEYS["r"]}, "objects.credentials_file"),
        ({"bucket": "another"}, "objects.bucket"),
        ({"bucket": "no/bucket"}, "objects.bucket"),
        ({"region": "eu-central-1"}, "objects.region"),
        ({"region": "no region"}, "objects.region"),
        ({"endpoint": "http://no host"}, "objects.endpoint"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
async def test_the_setting_is_named(
    options: S3Options, wrong: dict[str, Any], setting: str
) -> None:
    """Each wrong value is told with its setting, and no secret."""
    assert setting in await refusal(evolve(options, **wrong))


@pytest.fixture
def silent() -> Iterator[str]:
    """Have an address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_silence_is_found_out_in_time(options: S3Options, silent: str) -> None:
    """The look has limits of its own, below those of requests."""
    async with aio.open_loop(), open_look(evolve(options, endpoint=silent)) as look:
        with pytest.raises(DependencyDown):
            await look()
    async with aio.open_loop(), open_look(options) as look:
        await look()


@asynccontextmanager
async def serving(folder: Path, server: AccessKey, address: str) -> AsyncIterator[None]:
    """Have a store that knows this key as the server's."""
    rights = {server: "admin", KEYS["r"]: "read", KEYS["w"]: "write"}
    keys = [
        {"accessKeyId": k.key_id, "secretAccessKey": k.secret, "permissions": [right]}
        for k, right in rights.items()
    ]
    credentials = folder / "keys.json"
    credentials.touch(0o600)
    credentials.write_text(json.dumps({"keys": keys}))
    arguments = ["--data", str(folder / "data"), "--credentials", str(credentials)]
    arguments += ["--listen", address, "--bucket", "bitvault"]
    with running([sys.executable, "-m", "bitvault.objectd", *arguments]) as process:
        assert process.stdout is not None
        await trio.to_thread.run_sync(process.stdout.readline)
        yield


async def test_a_key_that_is_revoked_later_is_an_outage(tmp_path: Path, options: S3Options) -> None:
    """Every operation names the setting, as does the look; with the key back they go on."""
    address = free_address()
    mine = evolve(options, endpoint=f"http://{address}", public_endpoint=f"http://{address}")
    async with aio.open_loop(), AsyncExitStack() as stack:
        async with serving(tmp_path, KEYS["s"], address):
            opened = await stack.enter_async_context(open_objects(mine, SystemClock(), SystemIds()))
            look = await stack.enter_async_context(open_look(mine))
            await look()
        asked = [
            look,
            lambda: opened.head("blobs/a"),
            lambda: opened.list_prefix("blobs/", 1),
            lambda: opened.create_multipart("blobs/a"),
            lambda: opened.list_multiparts("blobs/a"),
            lambda: opened.delete("blobs/a"),
        ]
        async with serving(tmp_path, _STRANGER, address):
            for ask in asked:
                with pytest.raises(DependencyDown, match=r"objects\.credentials_file") as caught:
                    await ask()
                assert (caught.value.dependency, caught.value.unknown) == ("object store", False)
        async with serving(tmp_path, KEYS["s"], address):
            for ask in asked:
                await ask()


async def test_a_bucket_that_is_gone_is_an_outage(options: S3Options) -> None:
    """The look asks for the bucket: a store without it serves nothing."""
    async with aio.open_loop(), open_look(evolve(options, bucket="another")) as look:
        with pytest.raises(ClientError, match="404"):
            await look()


class _Ends(BaseException):
    pass


async def test_the_log_tells_an_outage_once(autojump_clock: MockClock) -> None:
    """And its end, with the name of what was down; what is found is noted each time."""
    answers = iter(["", "refused", "refused", "late", "", ""])
    dependencies = Dependencies()

    async def look() -> None:
        if (answer := next(answers, None)) is None:
            raise _Ends
        if answer:
            raise DependencyDown("object store", answer)

    with capture_logs() as lines, pytest.raises(_Ends):
        await watch("object store", look, dependencies)

    assert [(one["dependency"], one["event"], one["log_level"]) for one in lines] == [
        ("object store", "is down", "error"),
        ("object store", "is up again", "info"),
    ]
    assert "refused" in lines[0]["error"]
    assert [one.error for one in dependencies.all()] == [""]

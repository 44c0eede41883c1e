"""A store that cannot be used because of one setting: the one line says which."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from bitvault.drivers import aio
from bitvault.drivers.objects.probe import StoreUnfit
from bitvault.drivers.objects.s3 import S3Options, open_look, open_objects
from bitvault.drivers.objects.sigv4 import AccessKey
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds
from bitvault.kernel.refusal import DependencyDown
from tests.drivers.objects.conftest import KEYS

_STRANGER = AccessKey("AKSTRANGER", "canary-secret")
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

"""One gibibyte up and down by the CLI, against curl and the same object store.

Before each timed run the disk is idle, the page cache is free of what earlier runs wrote, and
memory for it was in use a moment ago: a virtual machine gives idle memory back to its host, and
then the first touch of a page costs more than the write itself, for whoever happens to come next.
"""

import hashlib
import json
import mmap
import os
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import boto3
from botocore.config import Config

from bench.daemon import Daemon
from bench.table import Row, medians

SIZE = 1 << 30
RUNS = 3


def store_client(daemon: Daemon) -> object:
    """Return a boto3 client of the daemon's own object store, with the server's key."""
    keys = json.loads((daemon.data / "object-store-keys.json").read_text())["server"]
    return boto3.client(
        "s3",
        endpoint_url=store_url(daemon),
        region_name="us-east-1",
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            max_pool_connections=64,
            request_checksum_calculation="when_required",
        ),
    )


def store_url(daemon: Daemon) -> str:
    """Ask the daemon for an upload, and see where its store is."""
    body = json.dumps({"path": "/bench-probe", "size": 1, "hash": "sha256:" + "0" * 64})
    answer = json.loads(daemon.cli("api", "POST", "/v1/files", "--data", body).stdout)
    opened = answer.get("results", [answer])[0] if "results" in answer else answer
    daemon.cli("api", "DELETE", f"/v1/files/uploads/{opened['uploadId']}")
    return "/".join(str(opened["url"]).split("/", 3)[:3])


def large(daemon: Daemon, here: Path) -> Iterator[Row]:
    """Yield the rows for put and get."""
    source = here / "large.bin"
    with source.open("wb") as file:
        for _ in range(SIZE >> 20):
            file.write(os.urandom(1 << 20))
    client, numbers = store_client(daemon), count()
    blobs = daemon.data / "objects"
    put, curl = medians(
        lambda: daemon.cli("put", source, f"/large-{next(numbers)}.bin"),
        lambda: _curl_put(client, source, f"bench/{next(numbers)}"),
        RUNS,
        before=lambda: _settle(blobs),
    )
    yield Row("put 1 GiB", f"{put:.2f} s", f"curl {curl:.2f} s", put / curl, "<= 1.25")
    _settle(blobs)
    _curl_put(client, source, "bench/get")
    daemon.cli("put", source, "/get.bin")
    back = here / "back.bin"
    get, curl = medians(
        lambda: daemon.cli("get", "/get.bin", back),
        lambda: _curl_get(client, "bench/get", back),
        RUNS,
        before=lambda: _remove(back),
    )
    yield Row("get 1 GiB", f"{get:.2f} s", f"curl {curl:.2f} s", get / curl, "<= 1.3")
    yield Row("of that, hashing 1 GiB", f"{_hashing():.2f} s")


def _hashing() -> float:
    """Return the seconds of CPU that a checksum takes, which curl does without."""
    block = os.urandom(1 << 20)
    begin = time.process_time()
    digest = hashlib.sha256()
    for _ in range(SIZE >> 20):
        digest.update(block)
    return time.process_time() - begin


def _settle(folder: Path) -> None:
    """Write everything out, and let go of the cached pages of the files below ``folder``."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
    _touch_memory()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.sync()
    _touch_memory()


def _touch_memory() -> None:
    populate = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    mmap.mmap(-1, 3 * SIZE, flags=populate).close()


def _curl_put(client: object, source: Path, key: str) -> None:
    url = _presigned(client, "put_object", key)
    _curl("-T", str(source), "-H", "Expect:", url)


def _curl_get(client: object, key: str, target: Path) -> None:
    _curl("-o", str(target), _presigned(client, "get_object", key))


def _presigned(client: object, verb: str, key: str) -> str:
    arguments = {"Bucket": "bitvault", "Key": key}
    url: str = client.generate_presigned_url(verb, Params=arguments)  # type: ignore[attr-defined]
    return url


def _curl(*words: str) -> None:
    subprocess.run(["curl", "--silent", "--show-error", "--fail", *words], check=True)

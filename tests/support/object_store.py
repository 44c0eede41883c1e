"""The real embedded object store as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define

_STOP_SECONDS = 10


@define(eq=False)
class ObjectStoreServer:
    """A running store: where it listens and who may use it."""

    process: "subprocess.Popen[bytes]"
    address: str
    bucket: str
    access_key: str
    secret_key: str

    @property
    def endpoint(self) -> str:
        """The S3 endpoint's URL."""
        return f"http://{self.address}"


@contextmanager
def running_object_store(folder: Path, bucket: str = "test") -> Iterator[ObjectStoreServer]:
    """Run ``python -m bitvault.objectd`` on a free port until the block ends."""
    access_key, secret_key = "BVTESTACCESSKEY00001", "test-secret-key-0123456789abcdef01234567"
    credentials = folder / "credentials"
    key = {"accessKeyId": access_key, "secretAccessKey": secret_key, "permissions": ["admin"]}
    credentials.write_text(json.dumps({"keys": [key]}))
    credentials.chmod(0o600)
    command = [
        *(sys.executable, "-m", "bitvault.objectd", "--data", str(folder / "objects")),
        *("--listen", "127.0.0.1:0", "--credentials", str(credentials), "--bucket", bucket),
    ]
    with (
        (folder / "objectd.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            address = _address(process, folder / "objectd.log")
            yield ObjectStoreServer(process, address, bucket, access_key, secret_key)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the object store did not start: {log.read_text()[-2000:]}")
    ready = json.loads(line)
    assert ready["event"] == "listening"
    return str(ready["address"])

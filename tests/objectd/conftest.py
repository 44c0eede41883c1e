"""A real store process, its keys, and foreign clients to drive it."""

import contextlib
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ADMIN, READER, WRITER = "admin", "reader", "writer"
SECRETS = {name: name * 8 for name in (ADMIN, READER, WRITER)}
BUCKET = "blobs"
_KEYS = [
    {"accessKeyId": ADMIN, "secretAccessKey": SECRETS[ADMIN], "permissions": ["admin"]},
    *(
        {
            "accessKeyId": name,
            "secretAccessKey": SECRETS[name],
            "permissions": [permission],
            "bucket": BUCKET,
            "prefix": "pub/",
        }
        for name, permission in ((READER, "read"), (WRITER, "write"))
    ),
]


@attrs.frozen
class Answer:
    """A raw HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """S3's error code in the body."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


class StoreProcess:
    """One `python -m bitvault.objectd` on one data folder."""

    def __init__(self, folder: Path, *arguments: str, prelude: str = "") -> None:
        self.data = folder / "data"
        credentials = folder / "keys.json"
        credentials.write_text(json.dumps({"keys": _KEYS}))
        run = f"{prelude}\nimport runpy; runpy.run_module('bitvault.objectd', run_name='__main__')"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", run, "--data", str(self.data)),
                *("--credentials", str(credentials), "--bucket", BUCKET, *arguments),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())["address"]

    def client(self, key: str = ADMIN) -> Any:
        """A boto3 client that doesn't retry."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://{self.address}",
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=SECRETS[key],
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )

    def presign(
        self, method: str, key: str, headers: Mapping[str, str] | None = None, who: str = ADMIN
    ) -> str:
        """A URL signed by botocore; the headers are signed too."""
        path, _, query = key.partition("?")
        url = f"http://{self.address}/{BUCKET}/{quote(path)}" + ("?" + query) * bool(query)
        request = AWSRequest(method, url, headers=dict(headers or {}))
        signer = S3SigV4QueryAuth(Credentials(who, SECRETS[who]), "s3", "us-east-1", expires=600)
        signer.add_auth(request)
        return str(request.url)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send exactly this, and nothing a friendlier client would add."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        target = url.removeprefix(f"http://{self.address}")
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_accept_encoding=True)
            length = {} if body is None else {"content-length": str(len(body))}
            for name, value in (length | dict(headers or {})).items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    def kill(self) -> None:
        """Kill -9, and wait for the corpse."""
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        """Ask politely; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for the process to end; returns the exit status."""
        status = self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """A store shared by tests that use keys of their own."""
    process = StoreProcess(
        tmp_path_factory.mktemp("objectd"), "--cors-origin", "https://app.example"
    )
    yield process
    assert process.stop() == 0


@pytest.fixture
def s3(store: StoreProcess) -> Iterator[Any]:
    """A foreign client with the admin key."""
    with contextlib.closing(store.client()) as client:
        yield client


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key no other test uses."""
    return "pub/" + request.node.nodeid

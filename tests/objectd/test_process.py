"""The process: starting, stopping, dying, a full disk, hostile HTTP, and rclone."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ADMIN, BUCKET, SECRETS, Answer, StoreProcess

SMALL, LARGE = 4 * 1024, 300 * 1024
ENOUGH = 60
GOOD_KEY = {"accessKeyId": "a", "secretAccessKey": "s" * 16, "permissions": ["admin"]}


def start(folder: Path, credentials: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start a store that is expected to refuse."""
    (folder / "keys.json").write_text(credentials)
    return subprocess.run(
        [
            *(sys.executable, "-m", "bitvault.objectd", "--data", str(folder / "data")),
            *("--credentials", str(folder / "keys.json"), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.requirement("X46")
@pytest.mark.parametrize(
    "keys",
    [
        None,
        [],
        [{}],
        [GOOD_KEY | {"secretAccessKey": ""}],
        [GOOD_KEY | {"permissions": ["everything"]}],
        [GOOD_KEY | {"permissions": []}],
        [GOOD_KEY | {"prefixx": "typo"}],
        [GOOD_KEY, GOOD_KEY],
    ],
    ids=str,
)
def test_bad_credentials_do_not_start(tmp_path: Path, keys: object) -> None:
    """Empty, weak or misspelt credentials: one line, exit 1, no listener (X46)."""
    ended = start(tmp_path, json.dumps({"keys": keys}))
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "credentials file" in ended.stderr


def test_port_in_use_does_not_start(tmp_path: Path) -> None:
    """A taken port is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = start(tmp_path, json.dumps({"keys": [GOOD_KEY]}), "--listen", address)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "in use" in ended.stderr


def test_unusable_data_folder_does_not_start(tmp_path: Path) -> None:
    """A data folder that is a file is refused by name."""
    (tmp_path / "data").write_text("")
    ended = start(tmp_path, json.dumps({"keys": [GOOD_KEY]}))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert str(tmp_path / "data") in ended.stderr


def test_second_process_on_the_same_folder_does_not_start(store: StoreProcess) -> None:
    """One data folder has one process."""
    ended = start(store.data.parent, (store.data.parent / "keys.json").read_text())
    assert ended.returncode == 1
    assert "in use by another process" in ended.stderr


def content(number: int) -> bytes:
    """Bytes of an object, small ones and large ones in turn."""
    return hashlib.sha256(b"%d" % number).digest() * ((SMALL, LARGE)[number % 2] // 32)


def put_until_dead(
    store: StoreProcess, numbers: range, acknowledged: list[int], enough: threading.Event
) -> None:
    """PUT one after the other, and write down what was acknowledged."""
    for number in numbers:
        url = store.presign("PUT", f"o/{number}")
        try:
            answer = store.send("PUT", url, {}, content(number))
        except OSError:
            return
        assert answer.status == 200
        acknowledged.append(number)
        if len(acknowledged) >= ENOUGH:
            enough.set()


def test_kill_loses_nothing_acknowledged_and_tears_nothing(tmp_path: Path) -> None:
    """Kill -9 in the middle of PUTs: what was acknowledged is there, what is there is whole."""
    store, acknowledged, enough = StoreProcess(tmp_path), list[int](), threading.Event()
    ranges = [range(lane * 10_000, lane * 10_000 + 10_000) for lane in range(6)]
    lanes = [
        threading.Thread(target=put_until_dead, args=(store, each, acknowledged, enough))
        for each in ranges
    ]
    for lane in lanes:
        lane.start()
    assert enough.wait(timeout=60)
    store.kill()
    for lane in lanes:
        lane.join()
    again = StoreProcess(tmp_path)
    with contextlib.closing(again.client()) as s3:
        listed = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
        there = {int(each["Key"].removeprefix("o/")) for each in listed}
        assert there >= set(acknowledged)
        for number in there:
            assert s3.get_object(Bucket=BUCKET, Key=f"o/{number}")["Body"].read() == content(number)
    assert list((again.data / "incoming").iterdir()) == []
    assert again.stop() == 0


def test_cut_upload_leaves_nothing(tmp_path: Path) -> None:
    """A client that dies in the middle of a body leaves no object and no file."""
    store = StoreProcess(tmp_path)
    url = store.presign("PUT", "cut").removeprefix(f"http://{store.address}")
    head = f"PUT {url} HTTP/1.1\r\nhost: {store.address}\r\ncontent-length: 9000000\r\n\r\n"
    host, port = store.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + bytes(3_000_000))
        connection.shutdown(socket.SHUT_WR)
        assert b"IncompleteBody" in connection.recv(65536)
    assert store.send("GET", store.presign("GET", "cut")).code == "NoSuchKey"
    assert list((store.data / "incoming").iterdir()) == []
    assert store.stop() == 0


def files_below(folder: Path) -> list[Path]:
    """Blob files, wherever they are."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_full_disk_is_a_clean_error(tmp_path: Path) -> None:
    """Past the disk's end a PUT is 507, its file is gone, and the store lives on."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))"
    store = StoreProcess(tmp_path, prelude=limit)
    answer = store.send("PUT", store.presign("PUT", "large"), {}, bytes(3_000_000))
    assert (answer.status, answer.code) == (507, "InsufficientStorage")
    assert store.send("GET", store.presign("GET", "large")).code == "NoSuchKey"
    assert files_below(store.data / "incoming") + files_below(store.data / "blobs") == []
    assert store.send("PUT", store.presign("PUT", "fits"), {}, bytes(1_000_000)).status == 200
    assert store.stop() == 0


def test_full_index_is_a_clean_error(tmp_path: Path) -> None:
    """When the index itself can't grow, PUTs fail with 5xx, keep nothing, and reads go on."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"
    store = StoreProcess(tmp_path, prelude=limit)
    data, answers = bytes(30_000), list[Answer]()
    while len(answers) < 100 and (not answers or answers[-1].status == 200):
        answers.append(store.send("PUT", store.presign("PUT", f"i/{len(answers)}"), {}, data))
    assert answers[-1].status in (500, 507)
    missing = store.send("GET", store.presign("GET", f"i/{len(answers) - 1}"))
    assert missing.code == "NoSuchKey"
    assert store.send("GET", store.presign("GET", "i/0")).body == data
    assert store.stop() == 0


def test_deleted_bytes_leave_the_disk(tmp_path: Path) -> None:
    """Files of deleted and replaced bytes are unlinked, at the latest after a restart."""
    store = StoreProcess(tmp_path)
    for _ in range(2):
        assert store.send("PUT", store.presign("PUT", "x"), {}, bytes(LARGE)).status == 200
    assert store.send("DELETE", store.presign("DELETE", "x")).status == 204
    store.kill()
    again = StoreProcess(tmp_path)
    with contextlib.closing(again.client()) as s3:
        rounds = (s3.head_bucket(Bucket=BUCKET) for _ in range(5000))
        assert any(files_below(again.data / "blobs") == [] for _ in rounds)
    assert again.stop() == 0


SMUGGLED = {
    "chunked": b"PUT /blobs/x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "both framings": b"PUT /blobs/x HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"PUT /blobs/x HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n"
    b"content-length: 6\r\n\r\n",
    "negative length": b"PUT /blobs/x HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
    "obs-fold": b"GET /blobs/x HTTP/1.1\r\nhost: h\r\nx: a\r\n b\r\n\r\n",
    "no host": b"GET /blobs/x HTTP/1.1\r\n\r\n",
    "absolute": b"GET http://h/blobs/x HTTP/1.1\r\nhost: h\r\n\r\n",
    "huge head": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: h\r\n\r\n",
    "not http": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "bad percent": b"GET /blobs/%zz HTTP/1.1\r\nhost: h\r\n\r\n",
    "bad utf-8": b"GET /blobs/%ff HTTP/1.1\r\nhost: h\r\n\r\n",
}


FRAMINGS = {
    "chunked": b"transfer-encoding: chunked\r\n",
    "both": b"content-length: 0\r\ntransfer-encoding: chunked\r\n",
    "both, the other way": b"transfer-encoding: chunked\r\ncontent-length: 3\r\n",
    "another coding": b"transfer-encoding: gzip, chunked\r\n",
    "identity": b"transfer-encoding: identity\r\ncontent-length: 0\r\n",
    "no length": b"",
    "two lengths": b"content-length: 0\r\ncontent-length: 3\r\n",
    "signed length": b"content-length: +0\r\n",
    "space before the colon": b"content-length : 0\r\n",
    "expecting": b"content-length: 50000\r\nexpect: 100-continue\r\n",
    "less than follows": b"content-length: 50000\r\n",
}


@pytest.mark.requirement("X68")
@pytest.mark.parametrize("who", ["stranger", "signed"])
@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
def test_what_follows_a_broken_framing_is_no_request(
    store: StoreProcess, framing: bytes, who: str
) -> None:
    """One refusal, then the end: a request hidden in the body is never answered (X68)."""
    url = store.presign("PUT", "smuggled", {"if-match": '"none"'})
    url = url if who == "signed" else url.partition("?")[0]
    target = url.removeprefix(f"http://{store.address}")
    host = f"host: {store.address}\r\n"
    head = f'PUT {target} HTTP/1.1\r\n{host}if-match: "none"\r\n'
    hidden = f"GET /{BUCKET}/hidden HTTP/1.1\r\n{host}\r\n"
    address = store.address.split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        connection.sendall(head.encode() + framing + b"\r\n" + hidden.encode())
        received = b""
        while data := connection.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 4")
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in received.lower()


@pytest.mark.requirement("X68")
@pytest.mark.parametrize("raw", SMUGGLED.values(), ids=SMUGGLED)
def test_hostile_http_is_refused(store: StoreProcess, raw: bytes) -> None:
    """Ambiguous or broken HTTP is a 4xx, never a hang (X68)."""
    host, port = store.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        assert connection.recv(65536).startswith(b"HTTP/1.1 4")


def test_refusal_comes_before_the_body(store: StoreProcess) -> None:
    """With Expect: 100-continue a forged PUT is refused before a byte is sent."""
    url = store.presign("PUT", "forged").removeprefix(f"http://{store.address}")[:-1] + "x"
    head = f"PUT {url} HTTP/1.1\r\nhost: {store.address}\r\ncontent-length: 5000000000\r\n"
    host, port = store.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 403")


@pytest.mark.requirement("X67")
def test_too_many_connections_are_turned_away(tmp_path: Path) -> None:
    """With every place in use for a signed request, a newcomer is answered SlowDown, not queued."""
    store = StoreProcess(tmp_path, "--max-connections", "1")
    url = store.presign("PUT", "first").removeprefix(f"http://{store.address}")
    head = f"PUT {url} HTTP/1.1\r\nhost: {store.address}\r\ncontent-length: 4\r\n"
    host, port = store.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as first:
        first.sendall(f"{head}expect: 100-continue\r\n\r\n".encode())
        assert first.recv(65536).startswith(b"HTTP/1.1 100")
        with socket.create_connection((host, int(port)), timeout=10) as second:
            assert second.recv(65536).startswith(b"HTTP/1.1 503")
        first.sendall(b"data")
        assert first.recv(65536).startswith(b"HTTP/1.1 200")
    assert store.stop() == 0


def test_stop_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """SIGTERM in the middle of a PUT: the PUT is answered, then the process ends."""
    store = StoreProcess(tmp_path)
    url = store.presign("PUT", "late").removeprefix(f"http://{store.address}")
    head = f"PUT {url} HTTP/1.1\r\nhost: {store.address}\r\ncontent-length: 200000\r\n"
    host, port = store.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        store.process.terminate()
        connection.sendall(bytes(200_000))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert store.wait() == 0


@pytest.fixture
def rclone(store: StoreProcess, tmp_path: Path) -> Callable[..., str]:
    """Run rclone against the store."""
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": f"http://{store.address}",
        "ACCESS_KEY_ID": ADMIN,
        "SECRET_ACCESS_KEY": SECRETS[ADMIN],
    }
    environment = os.environ | {
        f"RCLONE_CONFIG_OD_{name}": value for name, value in settings.items()
    }
    environment["RCLONE_CONFIG"] = str(tmp_path / "rclone.conf")
    binary = str(Path(sys.executable).with_name("rclone"))

    def run(*arguments: str) -> str:
        ended = subprocess.run(
            [binary, "--retries=1", "--low-level-retries=1", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def test_rclone_round_trips_a_tree(rclone: Callable[..., str], tmp_path: Path) -> None:
    """Rclone copies a tree in and out, multipart included, and finds no difference."""
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "empty").write_bytes(b"")
    (tree / "deep" / "ü +&.txt").write_bytes(b"text")
    (tree / "deep" / "er" / "large").write_bytes(bytes(range(256)) * 48 * 1024)
    remote = f"od:{BUCKET}/rclone"
    rclone("copy", "--s3-upload-cutoff=5Mi", "--s3-chunk-size=5Mi", str(tree), remote)
    rclone("check", "--download", str(tree), remote)
    assert len(rclone("lsf", "-R", "--files-only", remote).splitlines()) == 3
    rclone("moveto", f"{remote}/deep/er/large", f"{remote}/moved")
    rclone("purge", remote)
    assert rclone("lsf", "-R", f"od:{BUCKET}/rclone") == ""

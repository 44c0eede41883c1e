"""How a PUT leaves the client: small bodies with their head, large ones by the kernel."""

import os
import socket
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from threading import Thread

import pytest
from attrs import field, frozen

from bitvault.client.errors import SourceChanged
from bitvault.client.hashing import Section
from bitvault.client.objects import FileBody, ObjectStore

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_SIZE = 5 << 20


@frozen
class Put:
    """A presigned PUT."""

    url: str
    method: str = "PUT"
    headers: dict[str, str] = field(factory=dict)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Have an address that connections come in at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def put_to(listener: socket.socket, path: str = "/key?signature=1#part") -> Put:
    """Return a PUT to an address."""
    return Put(f"http://127.0.0.1:{listener.getsockname()[1]}{path}")


def packet(listener: socket.socket, path: Path, content: bytes) -> bytes:
    """Send a file; return what the store has of it after one look."""
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(1 << 20))
            connection.sendall(_ANSWER)

    path.write_bytes(content)
    thread = Thread(target=serve)
    thread.start()
    store = ObjectStore()
    with FileIO(path) as file:
        size = len(content)
        store.send(put_to(listener), FileBody(file, Section(0, size)), size)
    thread.join()
    store.close()
    return heard[0]


def test_a_small_body_comes_with_its_head(listener: socket.socket, tmp_path: Path) -> None:
    """One packet, so that the store reads once; the target is all but the fragment."""
    heard = packet(listener, tmp_path / "small", b"hello")

    assert heard.startswith(b"PUT /key?signature=1 HTTP/1.1\r\n")
    assert heard.endswith(b"\r\n\r\nhello")


def test_an_empty_body_is_a_head_alone(listener: socket.socket, tmp_path: Path) -> None:
    """Nothing is waited for that does not come."""
    heard = packet(listener, tmp_path / "empty", b"")

    assert heard.endswith(b"content-length: 0\r\n\r\n")


def test_a_large_body_is_a_section_of_the_file(listener: socket.socket, tmp_path: Path) -> None:
    """Every byte of it and none besides, and its progress adds up."""
    content = os.urandom(_SIZE)
    (tmp_path / "large").write_bytes(b"before" + content + b"after")
    heard = bytearray()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not heard.endswith(content[-32:]):
                heard.extend(connection.recv(1 << 20))
            connection.sendall(_ANSWER)

    thread = Thread(target=serve)
    thread.start()
    sent: list[int] = []
    store = ObjectStore()
    with FileIO(tmp_path / "large") as file:
        store.send(put_to(listener), FileBody(file, Section(6, _SIZE), sent.append), _SIZE)
    thread.join()
    store.close()

    assert bytes(heard).partition(b"\r\n\r\n")[2] == content
    assert sum(sent) == _SIZE


def test_a_file_that_became_shorter_is_told(listener: socket.socket, tmp_path: Path) -> None:
    """What is missing is not waited for, nor taken for a failure of the network."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1 << 20):
                pass

    (tmp_path / "large").write_bytes(bytes(_SIZE - 1))
    thread = Thread(target=serve)
    thread.start()
    store = ObjectStore()
    with FileIO(tmp_path / "large") as file, pytest.raises(SourceChanged):
        store.send(put_to(listener), FileBody(file, Section(0, _SIZE)), _SIZE)
    thread.join()

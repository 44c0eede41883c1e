"""A REST client that costs next to nothing, so that what is measured is the server."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field


@define(eq=False)
class Connection:
    """One keep-alive HTTP/1.1 connection; one request at a time."""

    host: str
    port: int
    token: str
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)

    async def open(self) -> "Connection":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        return self

    async def json(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON, return JSON; anything but success ends the measurement."""
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        status, answer = await self.send(method, path, headers, raw)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer[:500]!r}")
        return json.loads(answer) if answer else None

    async def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        given = {"Host": f"{self.host}:{self.port}", **headers, "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, length = int(head.split(" ", 2)[1]), 0
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return status, await self._reader.readexactly(length)

    def close(self) -> None:
        """Close."""
        self._writer.close()


async def connections(url: str, token: str, count: int) -> list[Connection]:
    """Open some connections to a server."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    return [await Connection(host, port, token).open() for _ in range(count)]


async def spread(
    workers: Sequence[Connection],
    work: Callable[[Connection, int], Awaitable[Any]],
    count: int,
) -> list[Any]:
    """Do ``work`` ``count`` times over the connections; return the results in order."""
    results: list[Any] = [None] * count
    waiting = iter(range(count))

    async def run(worker: Connection) -> None:
        for place in waiting:
            results[place] = await work(worker, place)

    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(run(worker))
    return results

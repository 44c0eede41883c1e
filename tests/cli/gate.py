"""A network that stops: forwards to a server, and holds its answers after so many bytes."""

import socket
import threading
from contextlib import suppress

from attrs import define, field

_BLOCK = 1 << 16


@define(eq=False)
class Gate:
    """A TCP proxy; ``held`` is set once the limit is reached, ``open()`` lets all pass."""

    target: str
    limit: int
    held: threading.Event = field(factory=threading.Event)
    passed: int = 0
    _open: threading.Event = field(factory=threading.Event)
    _listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def __attrs_post_init__(self) -> None:
        """Accept in the background."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the address to go through."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def open(self) -> None:
        """Let everything pass from now on."""
        self._open.set()

    def close(self) -> None:
        """Take no more connections."""
        self.open()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            host, _, port = self.target.partition(":")
            server = socket.create_connection((host, int(port)))
            for source, sink, counts in ((client, server, False), (server, client, True)):
                threading.Thread(
                    target=self._pump, args=(source, sink, counts), daemon=True
                ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:  # noqa: FBT001
        with suppress(OSError), source:
            while block := source.recv(_BLOCK):
                sink.sendall(block)
                self.passed += len(block) if counts else 0
                if self.passed >= self.limit and not self._open.is_set():
                    self.held.set()
                    self._open.wait()
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

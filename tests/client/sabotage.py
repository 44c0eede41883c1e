"""A proxy before a server that harms requests and answers, one by one and as it is told."""

import http.client
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Harm = str | None
"""What becomes of a request; ``None``: nothing.

``lose``: it arrives, its answer does not. ``late``: its answer comes after the client's patience.
``flip``: one bit of its body is another; ``flip-answer``: one of the answer's. ``cut``: the
connection ends in the middle of its body; ``cut-answer``: in the middle of the answer's.
The others are answered by somebody else, and it does not arrive.
"""
_PAGE = b"<!doctype html><title>Welcome to the hotel</title>"
_CANNED = {
    "error": b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_PAGE), _PAGE),
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\n"
    b"Content-Length: 0\r\n\r\n",
    "garbage": b"\x00\x01\x02 this is no HTTP\r\n\r\n",
    "forbidden": b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE),
    "xml": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 14\r\n\r\n<Error><Code>?",
    "endless": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * (1 << 20),
}


class Saboteur:
    """Listens at ``url``; ``harm`` is asked with the method and the number of each request."""

    def __init__(self, target: str, harm: Callable[[str, int], Harm]) -> None:
        self.harm, self.calls = harm, list[str]()
        self.ended = threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                owner.pass_on(self, target)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = answer  # noqa: N815 - http.server's

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, method: str) -> int:
        """Return how many requests of a method came."""
        return self.calls.count(method)

    def pass_on(self, request: BaseHTTPRequestHandler, target: str) -> None:
        """Do to a request what is to become of it."""
        with self._lock:
            self.calls.append(request.command)
            harm = self.harm(request.command, self.calls.count(request.command))
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        with suppress(OSError):
            if harm in _CANNED:
                request.wfile.write(_CANNED[harm])
                request.close_connection = True
                return
            self._forward(request, target, harm, body)

    def _forward(
        self, request: BaseHTTPRequestHandler, target: str, harm: Harm, body: bytes
    ) -> None:
        server = http.client.HTTPConnection(target, timeout=30)
        try:
            server.putrequest(
                request.command, request.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                server.putheader(name, value)
            sent = _flipped(body) if harm == "flip" else body
            server.endheaders(sent[: len(sent) // 2] if harm == "cut" else sent)
            if harm == "cut":
                request.close_connection = True
                return
            answer = server.getresponse()
            self._answer(request, harm, answer, answer.read())
        finally:
            server.close()

    def _answer(
        self,
        request: BaseHTTPRequestHandler,
        harm: Harm,
        answer: http.client.HTTPResponse,
        content: bytes,
    ) -> None:
        if harm in {"lose", "late"}:
            request.close_connection = True
            if harm == "late":
                self.ended.wait(30)
            return
        content = _flipped(content) if harm == "flip-answer" else content
        request.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if harm == "cut-answer":
            content = content[: len(content) // 2]
            request.close_connection = True
        request.wfile.write(content)


def _flipped(body: bytes) -> bytes:
    return bytes([body[0] ^ 1]) + body[1:] if body else body


def three_of_ten(harm: str, method: str) -> Callable[[str, int], Harm]:
    """Harm 30 % of the requests of a method, always the same ones."""
    return lambda sent, number: harm if sent == method and number % 10 in {1, 4, 7} else None


def the_first(harm: str, method: str, many: int = 1) -> Callable[[str, int], Harm]:
    """Harm the first requests of a method."""
    return lambda sent, number: harm if sent == method and number <= many else None

"""The edge as a child of the tree: a listener on a socket bound beforehand."""

import errno
import logging
import socket
from collections.abc import Callable

import trio
from hypercorn.config import Config

from bitvault.http.app import Application
from bitvault.http.listener import Listener
from bitvault.http.patience import Patience
from bitvault.http.tls import Certificate
from bitvault.kernel.settings import SettingError, ways_to_set
from supervisors import Child, ChildSpec, ChildStatus

_SETTING = "server.listen"
_BACKLOG = 1024
_STREAMS = 16
"""Requests at once on one connection of HTTP/2."""
_LARGEST_HEAD = 32 << 10
_SLACK = 5.0

Build = Callable[[Callable[[], ChildStatus]], Application]


def http_child(
    build: Build,
    listen: str,
    *,
    graceful_timeout: float = 10.0,
    patience: Patience = Patience(),  # noqa: B008 - frozen
    tls: tuple[str, str] | None = None,
    http2: bool = False,
    on_listening: Callable[[str], None] = lambda _url: None,
) -> ChildSpec:
    """Describe the edge as a child.

    Args:
        build: Makes the application from the function that shows the whole tree.
        listen: HOST:PORT; port 0 takes a free one.
        graceful_timeout: Seconds that requests under way are given at a polite stop.
        patience: How long clients may take.
        tls: The files of the certificate and of its key; None: plain HTTP.
        http2: Whether HTTP/2 is spoken where there is no TLS, by clients that know it beforehand.
        on_listening: Gets the URL once requests are answered.
    """

    async def live(child: Child) -> None:
        certificate = None if tls is None else Certificate(*tls)
        bound = bind(listen)
        url = _url(bound, "http" if certificate is None else "https")
        application = build(child.tree.status)
        config = _config(graceful_timeout)
        listener = Listener(application, config, bound, patience, certificate, http2)
        async with trio.open_nursery() as nursery:
            await nursery.start(listener.serve, child.stopping)
            on_listening(url)
            child.started(url)

    return ChildSpec("http", live, shutdown=graceful_timeout + _SLACK, start_timeout=60.0)


def bind(listen: str, setting: str = _SETTING) -> socket.socket:
    """Bind the listening socket before anything is served; ``setting`` is named in a refusal.

    Raises:
        SettingError: The address is in use, not this machine's, or not allowed.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    try:
        bound.bind((host, int(port)))
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise SettingError(setting, _why(listen, error, setting)) from error
    return bound


def _why(listen: str, error: OSError, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        advice = f"choose another port with {ways_to_set(setting)}"
        return f"{listen} is in use by another program; {advice}"
    if error.errno == errno.EACCES:
        return f"{listen} is not allowed for this user; choose a port above 1023"
    return f"{listen} cannot be listened on: {error.strerror or error}"


def _url(bound: socket.socket, scheme: str) -> str:
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _config(graceful_timeout: float) -> Config:
    config = Config()
    config.graceful_timeout = graceful_timeout
    config.keep_alive_max_requests = 100_000
    config.h2_max_concurrent_streams = _STREAMS
    config.h11_max_incomplete_size = _LARGEST_HEAD
    config.h2_max_header_list_size = _LARGEST_HEAD
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("bitvault.http.server")
    return config

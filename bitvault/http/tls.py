"""TLS on the edge's own socket, for who has no proxy in front; the certificate renews itself."""

import os
import ssl
from collections.abc import Sequence

import structlog
import trio
from attrs import define, field

from bitvault.kernel.settings import SettingError

_LOG = structlog.stdlib.get_logger("bitvault.http")
_PROTOCOLS = ("http/1.1",)


@define(eq=False)
class Certificate:
    """A certificate and its key, in PEM files that somebody renews.

    The files are looked at before each handshake: new ones hold from the next connection on, and
    while they cannot be read, the old ones do.
    """

    chain: str
    key: str
    context: ssl.SSLContext = field(init=False)
    _seen: Sequence[object] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Load the files.

        Raises:
            SettingError: They cannot be read, or do not belong together.
        """
        self._seen = self._stamps()
        try:
            self.context = self._load()
        except (OSError, ssl.SSLError) as error:
            raise SettingError("server.tls_cert", f"{self.chain}: {_why(error)}") from error

    def current(self) -> ssl.SSLContext:
        """Return what the next handshake is to be made with."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self.context = self._load()
            except (OSError, ssl.SSLError) as error:
                _LOG.warning("certificate not renewed", file=self.chain, reason=_why(error))
            else:
                _LOG.info("certificate renewed", file=self.chain)
        return self.context

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(_PROTOCOLS)
        # A key with a passphrase would ask at the terminal: an empty one is wrong at once.
        context.load_cert_chain(self.chain, self.key, password="")
        return context

    def _stamps(self) -> Sequence[object]:
        return [_stamp(self.chain), _stamp(self.key)]


def _stamp(path: str) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 - asked for every connection
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"is no PEM certificate with the key of server.tls_key ({error.reason or error})"
    return f"{error.filename or 'file'} cannot be read: {error.strerror}"


async def shake_hands(
    stream: trio.SocketStream, certificate: Certificate, seconds: float
) -> trio.SSLStream[trio.SocketStream] | None:
    """Agree with a client on keys; None when it cannot, or takes too long."""
    wrapped = trio.SSLStream(stream, certificate.current(), server_side=True, https_compatible=True)
    try:
        with trio.fail_after(seconds):
            await wrapped.do_handshake()
    except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
        await trio.aclose_forcefully(stream)
        return None
    return wrapped

"""Why a server cannot be reached: what went wrong with the connection, as one word and a sentence.

The libraries tell it by chains of exceptions and by OpenSSL's numbers, which say nothing to people.
"""

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import urlsplit

from attrs import frozen

Cause = Literal[
    "refused",
    "unknown_host",
    "timeout",
    "certificate_untrusted",
    "certificate_name",
    "certificate_dates",
    "needs_http",
    "needs_https",
    "tls",
    "foreign",
    "broken",
]
FINAL: Final[frozenset[Cause]] = frozenset(
    {
        "unknown_host",
        "certificate_untrusted",
        "certificate_name",
        "certificate_dates",
        "needs_http",
        "needs_https",
        "foreign",
    }
)
"""What a second try will meet again."""

_DATES = {9: "is not valid yet", 10: "has expired"}
_NAMES = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
_TLS_RECORD = ("\\x15\\x03", "\x15\x03")
"""How an alert of TLS begins, where the first line of an answer was expected."""
_PROBE_SECONDS = 3.0


@frozen
class Reason:
    """What went wrong; ``text`` goes on after the name of the server."""

    cause: Cause
    text: str


def reason_of(error: BaseException) -> Reason:
    """Find in a chain of exceptions what kept a connection from working."""
    chain = list(_chain(error))
    for one in chain:
        if (found := _known(one)) is not None:
            return found
    if any(type(one).__name__.endswith("Timeout") for one in chain):
        return _TIMEOUT
    return Reason("broken", f"the connection broke ({str(error) or type(error).__name__})")


_TIMEOUT = Reason("timeout", "it did not answer in time")
NEEDS_HTTPS = Reason("needs_https", "it speaks TLS: its address begins with https://")


def _known(error: BaseException) -> Reason | None:  # noqa: PLR0911 - a table
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate(error)
        case ssl.SSLError() if error.reason in _NOT_TLS:
            return Reason("needs_http", "it speaks no TLS: its address begins with http://")
        case socket.gaierror():
            return _no_address(error)
        case TimeoutError():
            return _TIMEOUT
        case ssl.SSLError():
            return Reason("tls", f"TLS failed ({error.reason or error})")
        case ConnectionRefusedError():
            return Reason("refused", "nothing listens there (connection refused)")
        case OSError() if error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
            return Reason("broken", "there is no way to that network")
    if any(record in str(error) for record in _TLS_RECORD):
        return NEEDS_HTTPS
    return None


def _certificate(error: ssl.SSLCertVerificationError) -> Reason:
    if error.verify_code in _DATES:
        return Reason("certificate_dates", f"its certificate {_DATES[error.verify_code]}")
    if error.verify_code in _NAMES:
        return Reason("certificate_name", "its certificate is for another name")
    return Reason(
        "certificate_untrusted", f"its certificate is not trusted ({error.verify_message})"
    )


def _no_address(error: socket.gaierror) -> Reason:
    if error.errno == socket.EAI_AGAIN:
        return Reason("broken", "its name cannot be looked up now (DNS does not answer)")
    return Reason("unknown_host", "there is no host of that name (DNS)")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from; bounded, as chains can be made circular."""
    for _ in range(16):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def speaks_tls(url: str) -> bool:
    """Say whether TLS is spoken at the address of an http URL that gave no answer.

    Nothing is sent but a greeting, and nothing that comes is believed.
    """
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(
            (parts.hostname or "", parts.port or 80), _PROBE_SECONDS
        ) as plain:
            context.wrap_socket(plain, server_hostname=parts.hostname).close()
    except OSError:
        return False
    return True


def of_silence(url: str, reason: Reason) -> Reason:
    """Look closer at an http server that hung up without an answer."""
    if reason.cause == "broken" and url.startswith("http://") and speaks_tls(url):
        return NEEDS_HTTPS
    return reason

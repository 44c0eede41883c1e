"""Mail by SMTP submission (RFC 6409), encrypted unless the server is on this machine.

Error handling: whatever goes wrong before the server is asked about a mail is the server's doing
(``DependencyDown``): the connection, the certificate, the login, and a sender it refuses. What it
says of a recipient or of the content is a rejection: permanent for 5yz, for later otherwise. A
connection that breaks in between is a rejection for later, so that one mail which the server cannot
bear does not keep all others waiting.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.headerregistry import Address
from typing import Any

import aiosmtplib
import trio
from attrs import define, field, frozen

from bitvault.drivers import aio
from bitvault.drivers.mail.compose import message_of
from bitvault.drivers.mail.port import Mail, Rejection
from bitvault.kernel.clock import Clock
from bitvault.kernel.refusal import DependencyDown
from bitvault.text import is_printable

_NAME = "mail server"
_PERMANENT = 500
_MOST_MAILS = 100
_IDLE_SECONDS = 20.0
_CLOSE_SECONDS = 2.0
_SHOWN = 300


@frozen
class SmtpOptions:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    security: str
    """``starttls``, ``tls`` from the first byte on, or ``none``."""
    sender: Address
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    """Certificates of those who are trusted, if not the system's."""
    timeout: float = 30.0
    """Seconds for each of: connecting and logging in, handing over one mail."""

    def context(self) -> ssl.SSLContext:
        """Return what certificates are checked with; there is no way not to check them.

        Raises:
            OSError: the file of certificates cannot be read.
        """
        return ssl.create_default_context(cafile=self.ca_file or None)


@define(eq=False)
class SmtpMailer:
    """Implements ``Mailer``; keeps one connection for mails that follow each other."""

    options: SmtpOptions
    clock: Clock
    _lock: trio.Lock = field(factory=trio.Lock, init=False)
    _open: aiosmtplib.SMTP | None = field(default=None, init=False)
    _mails: int = field(default=0, init=False)
    _used: float = field(default=0.0, init=False)

    async def send(self, mail: Mail) -> Rejection | None:
        """Hand over a mail."""
        try:
            raw = message_of(mail, self.options.sender, self.clock.now()).as_bytes()
        except ValueError as error:
            return Rejection(f"the mail cannot be written: {error}", is_permanent=True)
        async with self._lock:
            connection = await self._connection()
            rejection = await self._hand_over(connection, mail.recipient, raw)
            self._mails += 1
            self._used = trio.current_time()
            if rejection is not None:
                await self._let_go()
            return rejection

    async def rest(self) -> None:
        """Close the connection."""
        async with self._lock:
            await self._let_go()

    async def _connection(self) -> aiosmtplib.SMTP:
        idle = trio.current_time() - self._used
        fresh = self._mails < _MOST_MAILS and idle < _IDLE_SECONDS
        if self._open is not None and self._open.is_connected and fresh:
            return self._open
        await self._let_go()
        self._open, self._mails = await self._connect(), 0
        return self._open

    async def _connect(self) -> aiosmtplib.SMTP:
        options = self.options
        smtp = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            username=options.user or None,
            password=options.password or None,
            local_hostname=options.sender.domain,
            timeout=options.timeout,
            use_tls=options.security == "tls",
            # Never "if the server offers it": whoever stands in between could leave that out.
            start_tls=options.security == "starttls",
            tls_context=None if options.security == "none" else self._context(),
        )
        try:
            await _within(options.timeout, smtp.connect)
        except (aiosmtplib.SMTPException, OSError, trio.TooSlowError) as error:
            _close(smtp)
            raise DependencyDown(_NAME, _said(error)) from error
        return smtp

    def _context(self) -> ssl.SSLContext:
        try:
            return self.options.context()
        except OSError as error:
            raise DependencyDown(_NAME, f"mail.ca_file: {error}") from error

    async def _hand_over(
        self, smtp: aiosmtplib.SMTP, recipient: str, raw: bytes
    ) -> Rejection | None:
        sender = self.options.sender.addr_spec
        try:
            await _within(self.options.timeout, smtp.sendmail, sender, [recipient], raw)
        except aiosmtplib.SMTPSenderRefused as error:
            await self._let_go()
            raise DependencyDown(_NAME, f"refuses the sender {sender}: {_said(error)}") from error
        except (aiosmtplib.SMTPException, OSError, trio.TooSlowError) as error:
            return Rejection(_said(error), _code(error) >= _PERMANENT)
        return None

    async def _let_go(self) -> None:
        smtp, self._open = self._open, None
        if smtp is None:
            return
        if smtp.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await aio.finish(_CLOSE_SECONDS, smtp.quit)
        _close(smtp)


def _close(smtp: aiosmtplib.SMTP) -> None:
    """Close at once: TLS would wait for the other side's goodbye."""
    transport = smtp.transport
    smtp.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def _within(seconds: float, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
    with trio.fail_after(seconds):
        await aio.call(function, *args)


def _code(error: Exception) -> int:
    """Return what the server answered about the one recipient, or about the content; else 0."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max(refused.code for refused in error.recipients)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0


def _said(error: Exception) -> str:
    """Say why in one line, as the server says it; it says nothing secret to us.

    What it says may be a recipient's server's choice, and in any encoding: only what can be shown,
    and kept, is taken of it.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        text = "; ".join(f"{refused.code} {refused.message}" for refused in error.recipients)
    elif isinstance(error, aiosmtplib.SMTPResponseException):
        text = f"{error.code} {error.message}"
    elif isinstance(error, trio.TooSlowError):
        text = "did not answer in time"
    else:
        text = str(error) or type(error).__name__
    line = "".join(one if is_printable(one) else "?" for one in " ".join(text.split()))
    return line[:_SHOWN]

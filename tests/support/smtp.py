"""A real SMTP server (aiosmtpd) in a thread of its own, with certificates of its own authority."""

import asyncio  # noqa: TID251 - the server is none of ours
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field

USER, PASSWORD = "bitvault", "s3cret-of-the-relay"
_STEPS = 5
"""Of the loop, until what was aborted is closed."""
SENDER = "BitVault <bitvault@files.example.org>"


@define(eq=False)
class Inbox:
    """What the server was handed, and how it behaves."""

    mails: list[EmailMessage] = field(factory=list)
    recipients: list[str] = field(factory=list)
    answers: dict[str, str] = field(factory=dict)
    """By command (``MAIL``, ``RCPT``, ``DATA``): the answer instead of 250."""
    hangs: set[str] = field(factory=set)
    """Commands that are never answered."""
    drops: set[str] = field(factory=set)
    """Commands at which the connection breaks."""
    logins: int = 0
    closing: asyncio.Event = field(factory=asyncio.Event)
    _arrived: Event = field(factory=Event)

    def wait_for(self, count: int, seconds: float = 20.0) -> list[EmailMessage]:
        """Wait until there are so many mails."""
        deadline = time.monotonic() + seconds
        while len(self.mails) < count:
            left = deadline - time.monotonic()
            assert left > 0, f"{len(self.mails)} of {count} mails after {seconds} s"
            self._arrived.wait(left)
            self._arrived.clear()
        return self.mails

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender."""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        assert session
        return await self._answer("MAIL", server)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        assert session
        answer = await self._answer("RCPT", server)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Take a mail."""
        assert session
        answer = await self._answer("DATA", server)
        if answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.recipients += envelope.rcpt_tos
            self.mails.append(message_from_bytes(content, policy=policy.SMTP))  # type: ignore[arg-type]
            self._arrived.set()
        return answer

    async def _answer(self, command: str, server: Any) -> str:
        if command in self.drops:
            server.transport.abort()
        if command in self.hangs:
            await server.loop.create_future()
        return self.answers.get(command, "250 OK")

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        """Let in whoever has the password."""
        assert mechanism
        self.logins += 1
        good = isinstance(data, LoginPassword) and data == LoginPassword(
            USER.encode(), PASSWORD.encode()
        )
        return AuthResult(success=good, handled=good)


@define(eq=False)
class SmtpServer:
    """A running server."""

    host: str
    port: int
    inbox: Inbox
    ca_file: str = ""


def mail_settings(server: SmtpServer) -> dict[str, str]:
    """Return what a daemon has to be told to send its mail there, in the clear."""
    return {
        "BITVAULT_MAIL_HOST": server.host,
        "BITVAULT_MAIL_PORT": str(server.port),
        "BITVAULT_MAIL_SECURITY": "none",
        "BITVAULT_MAIL_SENDER": SENDER,
    }


@contextmanager
def running_smtp(
    folder: Path, security: str = "none", *, auth: bool = False, name: str = "localhost"
) -> Iterator[SmtpServer]:
    """Run a server until the block ends.

    Args:
        folder: Where certificates are written.
        security: As in the settings.
        auth: Whether a login is needed before mail is taken.
        name: In the server's certificate.
    """
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    inbox = Inbox()
    options: dict[str, Any] = {"auth_require_tls": security == "starttls", "ident": "test"}
    if auth:
        options |= {"auth_required": True, "authenticator": inbox.authenticate}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    with _serving(inbox, context if security == "tls" else None, options) as port:
        yield SmtpServer("localhost", port, inbox, str(ca_file))


@contextmanager
def _serving(inbox: Inbox, tls: ssl.SSLContext | None, options: dict[str, Any]) -> Iterator[int]:
    """Serve in a thread; yields the port."""
    # By its class: what asyncio's policy would give belongs to the Trio run of the test.
    loop = asyncio.SelectorEventLoop()
    listening: Queue[int] = Queue()
    served: list[SMTP] = []

    async def serve() -> None:
        def make() -> SMTP:
            with warnings.catch_warnings(action="ignore"):  # it warns of logins in the clear
                served.append(SMTP(inbox, loop=loop, **options))
            return served[-1]

        server = await loop.create_server(make, "localhost", 0, family=socket.AF_INET, ssl=tls)
        listening.put(server.sockets[0].getsockname()[1])
        await inbox.closing.wait()
        server.close()
        others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
        for task in others:  # a command that hangs never ends by itself
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for transport in [one.transport for one in served if one.transport is not None]:
            transport.abort()
        for _ in range(_STEPS):
            await asyncio.sleep(0)

    thread = Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield listening.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(inbox.closing.set)
        thread.join()
        loop.close()

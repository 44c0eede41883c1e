"""Mail against a real SMTP server: encryption, logins, refusals, and a server that fails."""

import asyncio  # noqa: TID251 - the border under test
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from attrs import evolve

from bitvault.drivers import aio
from bitvault.drivers.mail.compose import message_of, sender_of
from bitvault.drivers.mail.port import Mail, Rejection
from bitvault.drivers.mail.smtp import SmtpMailer, SmtpOptions, _said
from bitvault.kernel.refusal import DependencyDown
from tests.support.determinism import FixedClock
from tests.support.smtp import PASSWORD, SENDER, USER, SmtpServer, running_smtp

MAIL = Mail("1", "ann@example.org", "Grüße", "Hello\nAnn\n", "<p>Hello Ann</p>")


def options(server: SmtpServer, security: str, **changes: Any) -> SmtpOptions:
    """Return options that fit the server, but for the changes."""
    fitting = SmtpOptions(
        server.host, server.port, security, sender_of(SENDER), USER, PASSWORD, server.ca_file, 5.0
    )
    return evolve(fitting, **changes)


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def broken_connections_are_collected_here() -> Iterator[None]:
    """Asyncio complains when it collects a TLS connection that was broken off: in no other test."""
    yield
    gc.collect()


@asynccontextmanager
async def mailing(options: SmtpOptions) -> AsyncIterator[SmtpMailer]:
    """Open the border to asyncio, as the daemon does, and let connections go at the end."""
    async with aio.open_loop():
        mailer = SmtpMailer(options, FixedClock())
        yield mailer
        await mailer.rest()
        for _ in range(5):  # steps of the loop, until what was aborted is closed
            await aio.call(asyncio.sleep, 0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmtpServer]:
    """Run a server that wants STARTTLS and a login."""
    with running_smtp(tmp_path, "starttls", auth=True) as server:
        yield server


async def failing(options: SmtpOptions) -> str:
    """Return why no mail can be sent at all."""
    async with mailing(options) as mailer:
        with pytest.raises(DependencyDown) as caught:
            await mailer.send(MAIL)
    return str(caught.value)


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_mail_arrives_by_every_way(tmp_path: Path, security: str) -> None:
    """Text and HTML, under the stable id, marked as nobody's writing, after a login."""
    with running_smtp(tmp_path, security, auth=True) as server:
        async with mailing(options(server, security)) as mailer:
            assert await mailer.send(MAIL) is None
    [mail] = server.inbox.mails
    assert server.inbox.recipients == ["ann@example.org"]
    assert (mail["To"], mail["From"], mail["Subject"]) == ("ann@example.org", SENDER, "Grüße")
    assert mail["Message-ID"] == "<1@files.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == ["Hello", "Ann"]


async def test_mails_that_follow_each_other_share_a_connection(server: SmtpServer) -> None:
    """One login for two mails; after a rest there is another one."""
    async with mailing(options(server, "starttls")) as mailer:
        assert [await mailer.send(MAIL), await mailer.send(MAIL)] == [None, None]
        assert server.inbox.logins == 1
        await mailer.rest()
        assert await mailer.send(MAIL) is None
        assert server.inbox.logins == 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path, security: str) -> None:
    """One that no trusted authority issued, and one for another name; the password stays here."""
    with running_smtp(tmp_path, security, auth=True) as server:
        assert "certificate" in (await failing(options(server, security, ca_file=""))).lower()
        assert server.inbox.logins == 0
    with running_smtp(tmp_path, security, auth=True, name="mail.example.net") as server:
        assert "certificate" in (await failing(options(server, security))).lower()
        assert server.inbox.logins == 0


async def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    """Whoever stands in between cannot strip the encryption."""
    with running_smtp(tmp_path, "none", auth=True) as server:
        assert "STARTTLS" in await failing(options(server, "starttls"))
        assert (server.inbox.logins, server.inbox.mails) == (0, [])


async def test_a_wrong_password_is_nobodys_mails_fault(server: SmtpServer) -> None:
    """The server is as good as down, and the reason has no password in it."""
    reason = await failing(options(server, "starttls", password="wrong one"))
    assert "535" in reason
    assert "wrong one" not in reason


@pytest.mark.parametrize(
    ("command", "answer", "is_permanent"),
    [
        ("RCPT", "550 5.1.1 no such user", True),
        ("RCPT", "450 4.2.1 try later", False),
        ("DATA", "554 5.7.1 looks like spam", True),
        ("DATA", "451 4.3.0 disk full", False),
    ],
)
async def test_what_the_server_says_of_a_mail_is_told_apart(
    server: SmtpServer,
    command: str,
    answer: str,
    is_permanent: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """5yz is for good, 4yz for now; the next mail is taken."""
    server.inbox.answers[command] = answer
    async with mailing(options(server, "starttls")) as mailer:
        assert await mailer.send(MAIL) == Rejection(answer, is_permanent)
        server.inbox.answers.clear()
        assert await mailer.send(MAIL) is None


@pytest.mark.parametrize("said", [b"Empf\xfcnger unbekannt", b"no\0such\x1buser", b"\xff" * 400])
def test_what_the_server_says_can_be_kept(said: bytes) -> None:
    """In any encoding: it is what the recipient's server says, and we put it into a row."""
    message = said.decode(errors="surrogateescape")
    refused = aiosmtplib.SMTPRecipientRefused(550, message, "ann@example.org")
    reason = _said(aiosmtplib.SMTPRecipientsRefused([refused]))
    assert reason.startswith("550 ")
    assert reason.isprintable()
    assert 0 < len(reason.encode()) <= 300


async def test_a_refused_sender_stops_all_mail(server: SmtpServer) -> None:
    """No mail is to blame for the setting, so none is given up for it."""
    server.inbox.answers["MAIL"] = "553 5.7.1 not your address"
    reason = await failing(options(server, "starttls"))
    assert "refuses the sender bitvault@files.example.org" in reason


async def test_a_server_that_says_nothing_is_waited_for_so_long(server: SmtpServer) -> None:
    """The mail may have arrived; it is for later, and the connection is not used again."""
    server.inbox.hangs.add("DATA")
    async with mailing(options(server, "starttls", timeout=0.5)) as mailer:
        rejection = await mailer.send(MAIL)
        assert rejection is not None
        assert not rejection.is_permanent
        server.inbox.hangs.clear()
        mailer.options = options(server, "starttls")
        assert await mailer.send(MAIL) is None
        assert server.inbox.logins == 2


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_connection_that_breaks_is_for_later(server: SmtpServer, command: str) -> None:
    """In the middle of a mail; the next try has a connection of its own."""
    server.inbox.drops.add(command)
    async with mailing(options(server, "starttls")) as mailer:
        rejection = await mailer.send(MAIL)
        assert rejection is not None
        assert not rejection.is_permanent
        server.inbox.drops.clear()
        assert await mailer.send(MAIL) is None


async def test_nobody_is_there(tmp_path: Path) -> None:
    """A port that nobody listens on, and a name that leads nowhere."""
    with running_smtp(tmp_path) as server:
        gone = options(server, "none")
    assert await failing(gone)
    assert await failing(evolve(gone, host="nowhere.invalid"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"subject": "Hello\nX: y"},
        {"subject": "Hello\x85X: y"},
        {"subject": "Hello\u2028X: y"},
        {"recipient": "ann@example.org\r\nBcc: eve@example.org"},
        {"recipient": "ann@example.org, eve@example.org"},
        {"recipient": "ann"},
        {"mail_id": "1>\r\nBcc: eve@example.org"},
        {"unsubscribe": "https://x.example/\r\nBcc: eve@example.org"},
    ],
)
async def test_no_value_becomes_a_header(server: SmtpServer, wrong: dict[str, str]) -> None:
    """A mail with a line break, or with two recipients, is refused before anything is sent."""
    async with mailing(options(server, "starttls")) as mailer:
        rejection = await mailer.send(evolve(MAIL, **wrong))
    assert rejection is not None
    assert rejection.is_permanent
    assert server.inbox.logins == 0


async def test_one_click_is_announced() -> None:
    """As RFC 8058 wants it, where there is something to unsubscribe from."""
    mail = evolve(MAIL, unsubscribe="https://files.example.org/v1/unsubscribe?t=1")
    message = message_of(mail, sender_of(SENDER), FixedClock().now())
    assert message["List-Unsubscribe"] == "<https://files.example.org/v1/unsubscribe?t=1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

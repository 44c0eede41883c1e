"""From a mail to the bytes that travel: no value can add a header or a recipient of its own."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from bitvault.drivers.mail.port import Mail
from bitvault.kernel.mailbox import is_address, sender
from bitvault.text import is_printable


def sender_of(value: str) -> Address:
    """Read ``Name <user@host>``, or an address alone.

    Raises:
        ValueError: It is neither.
    """
    name, address = sender(value)
    return Address(name, addr_spec=address)


def message_of(mail: Mail, author: Address, now: datetime) -> EmailMessage:
    """Build the message.

    Raises:
        ValueError: A value holds a line break, or the recipient is no address.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = author
    if not is_address(mail.recipient):
        raise ValueError("the recipient is no address")
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = _line(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{_line(mail.mail_id)}@{author.domain}>"
    # Nobody's absence note or robot answers (RFC 3834), so two of them never talk to each other.
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{_line(mail.unsubscribe)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _line(value: str) -> str:
    """Return a value that stays within its header: str.splitlines knows all line breaks."""
    if len(value.splitlines()) != 1 or not is_printable(value):
        raise ValueError("a header holds one printable line")
    return value

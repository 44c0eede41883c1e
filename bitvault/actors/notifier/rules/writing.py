"""The words of the mails, as text and as HTML; what users named is text in both."""

from datetime import datetime
from html import escape
from typing import Final

from attrs import field, frozen

from bitvault.text import is_printable

_MOST = 120


@frozen
class Facts:
    """What a mail is written from; each kind uses some of it. ``link`` may hold a secret."""

    server: str
    name: str = ""
    tenant: str = ""
    login: str = ""
    by: str = ""
    what: str = ""
    role: str = ""
    link: str = field(default="", repr=False)
    until: datetime | None = None


@frozen
class Written:
    """A mail's subject and its two bodies."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


@frozen
class _Words:
    subject: str
    paragraphs: tuple[str, ...]
    button: str = ""
    is_optional: bool = False


_NOT_YOU: Final = (
    "If this was not you, set a new password at once, end your other sessions, and tell an admin."
)
_REUSED: Final = (
    "The login of {login} in {tenant} by {what} was ended. A key of it that had been replaced was "
    "used again, from {by}: two have what only one should."
)
_IF_YOURS: Final = (
    "If you restored that machine from a backup, or cloned it, or it was cut off at that very "
    "moment, this is why: log in again. Otherwise somebody copied the login from it; it opens "
    "nothing any more. Find out how before you log in there again, and tell an admin."
)
_WORDS: Final = {
    "invitation": _Words(
        "{by} invites you to {tenant}",
        (
            "{by} invites you to share files in {tenant}. Your login will be {login}.",
            "Choose a password to begin. The invitation is good until {until}, and once.",
            "If you do not know what this is about, do nothing: no account is made.",
        ),
        "Accept the invitation",
    ),
    "reset": _Words(
        "A new password for {login}",
        (
            "Somebody, we hope you, asked for a new password of {login} in {tenant}.",
            "The link is good until {until}, and once. It ends all your sessions.",
            "If it was not you, do nothing: your password stays as it is.",
        ),
        "Set a new password",
    ),
    "confirmation": _Words(
        "Confirm your address",
        (
            "{login} in {tenant} is to get mail at this address.",
            "Confirm it while logged in as {login}. The link is good until {until}.",
            "If you do not know what this is about, do nothing.",
        ),
        "Confirm the address",
    ),
    "address": _Words(
        "A new address for {login}",
        (
            "Another address was entered for {login} in {tenant}; it waits to be confirmed.",
            _NOT_YOU,
        ),
    ),
    "address_changed": _Words(
        "The address of {login} was changed",
        (
            "Mail for {login} in {tenant} goes to another address from now on, and not here.",
            _NOT_YOU,
        ),
    ),
    "address_removed": _Words(
        "The address of {login} was removed",
        (
            "{login} in {tenant} has no address any more: no mail, and no new password by mail.",
            _NOT_YOU,
        ),
    ),
    "password": _Words(
        "The password of {login} was changed",
        ("The password of {login} in {tenant} was changed.", _NOT_YOU),
    ),
    "token": _Words(
        "A new API token of {login}",
        ("There is a new API token of {login} in {tenant}: {what}.", _NOT_YOU),
    ),
    "reuse": _Words(
        "A login of {login} was ended: somebody may have copied it",
        (
            _REUSED,
            _IF_YOURS,
        ),
    ),
    "share": _Words(
        "{by} shared {what} with you",
        (
            "{by} shared {what} with you in {tenant}, as {role}.",
            "You find it among what is shared with you: bitvault shared.",
        ),
        is_optional=True,
    ),
}


def written(kind: str, facts: Facts) -> Written:
    """Write a mail."""
    words = _WORDS[kind]
    until = "" if facts.until is None else f"{facts.until:%Y-%m-%d %H:%M} UTC"
    values = {
        "name": _line(facts.name),
        "tenant": _line(facts.tenant),
        "login": _line(facts.login),
        "by": _line(facts.by),
        "what": _line(facts.what),
        "role": facts.role,
        "until": until,
    }
    paragraphs = [paragraph.format(**values) for paragraph in words.paragraphs]
    if values["name"]:
        paragraphs.insert(0, f"Hello {values['name']},")
    foot = _foot(facts.server, is_optional=words.is_optional)
    return Written(
        words.subject.format(**values),
        _text(paragraphs, facts.link, foot),
        _html(paragraphs, facts.link, words.button, foot),
    )


def _foot(server: str, *, is_optional: bool) -> str:
    less = " To get no more of these: bitvault mail mute share." if is_optional else ""
    return f"Sent by BitVault at {server}.{less}"


def _text(paragraphs: list[str], link: str, foot: str) -> str:
    blocks = [*paragraphs, *([link] if link else []), f"-- \n{foot}"]
    return "\n\n".join(blocks) + "\n"


def _html(paragraphs: list[str], link: str, button: str, foot: str) -> str:
    body = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in paragraphs)
    if link:
        body += f'<p><a href="{escape(link)}">{escape(button)}</a></p>\n'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="color-scheme" content="light dark"></head>\n'
        '<body style="font: 15px/1.5 system-ui, sans-serif">\n'
        f"{body}<p><small>{escape(foot)}</small></p>\n</body></html>\n"
    )


def _line(value: str) -> str:
    """Return what somebody named as one printable line; a name is no place for an address bar."""
    text = "".join(one if is_printable(one) else " " for one in value)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"

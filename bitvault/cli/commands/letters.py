"""``mail show|address|confirm|mute|unmute``: where a user gets mail, and what about."""

from pathlib import Path
from typing import Any

import click

from bitvault.cli.context import connect, password_of, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import details, plain
from bitvault.wire.mail import MailSettings

_KIND = click.argument("kind", type=click.Choice(["share"]))


@click.group(cls=Listing)
def mail() -> None:
    """Say where you get mail, and what about."""


@mail.command(epilog="Example: bitvault mail show")
@reports
def show() -> Report:
    """Show where you get mail, and which kinds you do without."""
    with connect() as client:
        found = client.rest.call("GET", "/v1/me/mail", MailSettings)
    members = plain(found)
    told = {**members, "muted": ", ".join(found.muted) or "nothing"}
    return Report([members], details(told))


@mail.command(epilog="Example: bitvault mail address ann@example.org")
@click.argument("email")
@click.option("--password-file", type=click.Path(path_type=Path), help="Yours; else asked for.")
@reports
def address(email: str, password_file: Path | None) -> Report:
    """Have a link sent to EMAIL; it is yours once you have confirmed it."""
    body = {"email": email, "currentPassword": password_of(password_file, "Your password")}
    return _changed("PUT", "/v1/me/email", body, f"a link is on its way to {email}")


@mail.command(epilog="Example: bitvault mail confirm bve_...")
@click.argument("token")
@reports
def confirm(token: str) -> Report:
    """Confirm your address with what stands behind the # of the link."""
    token = token.rpartition("#")[2]
    return _changed("POST", "/v1/me/email/confirm", {"token": token}, "the address is yours")


@mail.command(epilog="Example: bitvault mail mute share")
@_KIND
@reports
def mute(kind: str) -> Report:
    """Get no more mail about KIND."""
    return _changed("PUT", "/v1/me/mail", {"muted": [kind]}, f"no more mail about: {kind}")


@mail.command(epilog="Example: bitvault mail unmute share")
@_KIND
@reports
def unmute(kind: str) -> Report:
    """Get mail about KIND again."""
    return _changed("PUT", "/v1/me/mail", {"muted": []}, f"mail again about: {kind}")


def _changed(method: str, path: str, body: dict[str, Any], done: str) -> Report:
    with connect() as client:
        settings = client.rest.call(method, path, MailSettings, body=body)
    return Report([plain(settings)], [done])

"""``admin invite`` and ``admin invitations list|send|revoke``."""

# ruff: noqa: FBT001 - click passes flags by name

from typing import Any

import click

from bitvault.cli.commands.groups import group_id
from bitvault.cli.context import connect, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table, when
from bitvault.wire.mail import Invitation


@click.command(
    epilog="Examples: bitvault admin invite ann@example.org --login ann; "
    "bitvault admin invite bob@example.org --login bob --group Staff --admin"
)
@click.argument("email")
@click.option("--login", required=True, help="The login the user will have.")
@click.option("--name", default="", help="As people call the user; they may change it.")
@click.option("--admin", is_flag=True, help="An admin of the tenant.")
@click.option("--group", "groups", multiple=True, help="A group to be in; may be given often.")
@reports
def invite(email: str, login: str, name: str, admin: bool, groups: tuple[str, ...]) -> Report:
    """Invite whoever reads mail at EMAIL; they choose the password. Good for 72 hours."""
    with connect() as client:
        body: dict[str, Any] = {
            "email": email,
            "login": login,
            "displayName": name,
            "isAdmin": admin,
            "groups": [group_id(client, group) for group in groups],
        }
        made = client.rest.call("POST", "/v1/invitations", Invitation, body=body)
    return Report([plain(made)], [f"invited {made.email} as {made.login} ({made.id})"])


@click.group(cls=Listing)
def invitations() -> None:
    """List invitations that were not accepted; send one again, or revoke it."""


@invitations.command("list", epilog="Example: bitvault admin invitations list")
@reports
def list_() -> Report:
    """List invitations that were not accepted."""
    with connect() as client:
        found = list(client.listed("/v1/invitations", Invitation))
    rows = [
        (one.login, one.email, "admin" if one.is_admin else "", when(one.expires_at), one.id)
        for one in found
    ]
    heads = ("login", "to", "is", "until", "id")
    return Report([plain(one) for one in found], table(rows, heads) if rows else [])


@invitations.command(epilog="Example: bitvault admin invitations send 0193a5b2-...")
@click.argument("invitation", type=click.UUID)
@reports
def send(invitation: object) -> Report:
    """Send INVITATION again; the link of the mail before is dead."""
    with connect() as client:
        sent = client.rest.call("POST", f"/v1/invitations/{invitation}/send", Invitation)
    return Report([plain(sent)], [f"sent again to {sent.email}"])


@invitations.command(epilog="Example: bitvault admin invitations revoke 0193a5b2-...")
@click.argument("invitation", type=click.UUID)
@reports
def revoke(invitation: object) -> Report:
    """Take INVITATION back, at once."""
    with connect() as client:
        client.rest.raw("DELETE", f"/v1/invitations/{invitation}")
    return Report([{"id": str(invitation)}], [f"revoked {invitation}"])

"""``admin mail status|list|resend``: what became of the tenant's mail."""

import click

from bitvault.cli.bounded import LIMIT, first, page_of
from bitvault.cli.context import connect, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import details, plain, table, when
from bitvault.wire.mail import Mail, Mails


@click.group(cls=Listing)
def mail() -> None:
    """Look at the tenant's mail; send one again."""


@mail.command(epilog="Example: bitvault admin mail status")
@reports
def status() -> Report:
    """Show whether mail is sent, how much waits, and how much failed."""
    with connect() as client:
        found = client.rest.call("GET", "/v1/admin/mail/summary", Mails)
    return Report([plain(found)], details(plain(found)))


@mail.command("list", epilog="Example: bitvault admin mail list --state failed")
@click.option(
    "--state", type=click.Choice(["queued", "sent", "failed", "dropped"]), help="In this state."
)
@LIMIT
@reports
def list_(state: str | None, limit: int) -> Report:
    """List the mail of the last 30 days, newest first."""
    with connect() as client:
        every = client.listed("/v1/admin/mail", Mail, state=state, limit=page_of(limit))
        found, more = first(every, limit)
    rows = [
        (
            when(one.queued_at),
            one.kind,
            one.address or _whose(one),
            one.state,
            one.attempts,
            one.id,
            one.error or "",
        )
        for one in found
    ]
    heads = ("queued", "about", "to", "state", "tries", "id", "error")
    return Report([plain(one) for one in found], table(rows, heads) if rows else [], more)


def _whose(one: Mail) -> str:
    """Say whom a mail is for whose address is not known before it is sent."""
    return f"user {one.recipient_id}"


@mail.command(epilog="Example: bitvault admin mail resend 0193a5b2-...")
@click.argument("mail_id", metavar="MAIL", type=click.UUID)
@reports
def resend(mail_id: object) -> Report:
    """Queue MAIL again, as if nothing had been tried."""
    with connect() as client:
        queued = client.rest.call("POST", f"/v1/admin/mail/{mail_id}/resend", Mail)
    return Report([plain(queued)], [f"queued {mail_id} again"])

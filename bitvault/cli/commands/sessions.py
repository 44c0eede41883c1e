"""``sessions list|end``."""

# ruff: noqa: FBT001 - click passes flags by name

import click

from bitvault.cli.context import connect, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table, when
from bitvault.wire.sessions import Credential


@click.group(cls=Listing)
def sessions() -> None:
    """List where you are logged in; log out there."""


@sessions.command("list", epilog="Example: bitvault sessions list")
@reports
def list_() -> Report:
    """List your sessions, the newest first."""
    with connect() as client:
        found = list(client.listed("/v1/sessions", Credential, limit=None))
    rows = [
        (
            "*" if one.is_current else "",
            when(one.created_at),
            when(one.last_used_at),
            one.address,
            one.name or one.user_agent,
            one.id,
        )
        for one in found
    ]
    heads = ("", "since", "last used", "from", "with", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@sessions.command(
    epilog="Examples: bitvault sessions end 0193a5b2-...; bitvault sessions end --others"
)
@click.argument("session", required=False, type=click.UUID)
@click.option("--others", is_flag=True, help="Every one but this.")
@reports
def end(session: object, others: bool) -> Report:
    """Log out elsewhere: SESSION, by its id, or all others. API tokens stay."""
    if others == (session is not None):
        raise click.UsageError("say which: an id of `bitvault sessions list`, or --others")
    with connect() as client:
        client.rest.raw("DELETE", "/v1/sessions" if others else f"/v1/sessions/{session}")
    result = {"id": None if others else str(session)}
    return Report([result], ["ended every other session" if others else f"ended {session}"])

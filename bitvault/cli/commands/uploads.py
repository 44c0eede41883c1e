"""``uploads list|abort``."""

# ruff: noqa: FBT001 - click passes flags by name

from uuid import UUID

import click

from bitvault.cli.context import connect, reports, sure
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, counted, human_size
from bitvault.cli.render import plain, table, when
from bitvault.client.client import Client
from bitvault.client.state import upload_states
from bitvault.wire.uploads import Upload


@click.group(cls=Listing)
def uploads() -> None:
    """List or abort unfinished uploads."""


@uploads.command("list", epilog="Example: bitvault uploads list")
@reports
def list_() -> Report:
    """List your unfinished uploads."""
    with connect() as client:
        found = list(client.listed("/v1/files/uploads", Upload))
    rows = [(one.upload_id, human_size(one.size), when(one.expires_at), one.path) for one in found]
    heads = ("upload", "size", "expires", "path")
    return Report([plain(one) for one in found], table(rows, heads))


@uploads.command(
    epilog="Examples: bitvault uploads abort 0193a5b2-...; bitvault uploads abort --all"
)
@click.argument("upload_ids", nargs=-1, type=click.UUID)
@click.option("--all", "every", is_flag=True, help="All of yours, at work elsewhere or not.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def abort(upload_ids: tuple[UUID, ...], every: bool, yes: bool) -> Report:
    """Give uploads up and free the room they hold."""
    if every == bool(upload_ids):
        raise click.UsageError("say which uploads, or --all")
    with connect() as client:
        wanted: list[UUID] = list(upload_ids) or _open(client)
        if every and wanted and not yes:
            sure(f"Abort {counted(len(wanted), 'upload')}?")
        for upload_id in wanted:
            client.abort(upload_id)
        gone = None if every else {str(one) for one in wanted}
        upload_states().drop(client.rest.server, gone)
    done = [{"uploadId": str(one)} for one in wanted]
    return Report(done, [f"aborted {counted(len(wanted), 'upload')}"])


def _open(client: Client) -> list[UUID]:
    return [one.upload_id for one in client.listed("/v1/files/uploads", Upload)]

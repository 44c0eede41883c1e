"""``uploads list|abort``."""

import click

from bitvault.cli.context import connect, reports
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain, table, when
from bitvault.wire.uploads import Upload


@click.group()
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


@uploads.command(epilog="Example: bitvault uploads abort 0193a5b2-...")
@click.argument("upload_ids", nargs=-1, required=True)
@reports
def abort(upload_ids: tuple[str, ...]) -> Report:
    """Give uploads up and free the room they hold."""
    with connect() as client:
        for upload_id in upload_ids:
            client.abort(upload_id)
    done = [{"uploadId": one} for one in upload_ids]
    return Report(done, [f"aborted {one}" for one in upload_ids])

"""``uploads list|abort``."""

# ruff: noqa: FBT001 - click passes flags by name

from collections.abc import Sequence
from uuid import UUID

import click

from bitvault.cli.context import connect, reports, sure
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, counted, human_size
from bitvault.cli.render import plain, table, when
from bitvault.cli.several import Several, several
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.client.results import Missed
from bitvault.client.state import upload_states
from bitvault.client.trees import each_answer
from bitvault.wire.uploads import Upload

_AT_ONCE = 1000


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
        ended = _abort(client, wanted)
        done = [upload_id for upload_id, _ in ended.done]
        upload_states().drop(client.rest.server, None if every else set(done))
    results = [{"uploadId": upload_id} for upload_id in done]
    return ended.report(results, [f"aborted {counted(len(done), 'upload')}"])


def _abort(client: Client, upload_ids: Sequence[UUID]) -> Several[None]:
    """Abort by the thousand.

    Raises:
        BitVaultError: it failed, and the upload was the only one.
    """
    if len(upload_ids) == 1:
        return several([str(upload_ids[0])], client.abort)
    answers = list(each_answer(client.abort_all, upload_ids, _AT_ONCE))
    return Several(
        [(str(one), None) for one, answer in answers if not isinstance(answer, Problem)],
        [Missed(str(one), answer) for one, answer in answers if isinstance(answer, Problem)],
    )


def _open(client: Client) -> list[UUID]:
    return [one.upload_id for one in client.listed("/v1/files/uploads", Upload)]

"""``trash list|restore|purge|empty``."""

# ruff: noqa: FBT001 - click passes flags by name

import click

from bitvault.cli.context import connect, remote_path, reports
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table, when
from bitvault.client.client import Client
from bitvault.wire.nodes import TrashEntry

SPACE = click.option("--space", default=None, help="Name or id of a space; else your own.")


@click.group()
def trash() -> None:
    """List, restore, purge or empty the trash."""


def _entries(client: Client, space: str | None) -> list[TrashEntry]:
    space_id = client.node(f"{space}:/").space_id if space else None
    return list(client.listed("/v1/trash", TrashEntry, spaceId=space_id))


@trash.command("list", epilog="Example: bitvault trash list")
@SPACE
@reports
def list_(space: str | None) -> Report:
    """List what was removed, newest first."""
    with connect() as client:
        entries = _entries(client, space)
    rows = [(entry.entry_id, when(entry.trashed_at), entry.original_path) for entry in entries]
    lines = table(rows, ("entry", "removed", "path")) if rows else []
    return Report([plain(entry) for entry in entries], lines)


@trash.command(epilog="Example: bitvault trash restore 0193a5b2-... --to /rescued")
@click.argument("entry_id")
@click.option(
    "--to",
    default=None,
    callback=lambda c, p, v: v and remote_path(c, p, v),
    help="Folder to restore to; else where it was.",
)
@click.option(
    "--if-exists",
    type=click.Choice(["fail", "replace", "rename"]),
    default="fail",
    show_default=True,
    help="What to do when the name is taken.",
)
@reports
def restore(entry_id: str, to: str | None, if_exists: str) -> Report:
    """Bring an entry back."""
    where = {"ifExists": if_exists, **({"parentPath": to} if to else {})}
    with connect() as client:
        done = client.restore(entry_id, **where)
    return Report([plain(done)], [f"restored {done.node.path}"])


@trash.command(epilog="Example: bitvault trash purge 0193a5b2-...")
@click.argument("entry_ids", nargs=-1, required=True)
@reports
def purge(entry_ids: tuple[str, ...]) -> Report:
    """Remove entries for good; there is no way back."""
    with connect() as client:
        for entry_id in entry_ids:
            client.rest.raw("DELETE", f"/v1/trash/{entry_id}")
    return Report([{"entryId": one} for one in entry_ids], [f"purged {one}" for one in entry_ids])


@trash.command(epilog="Example: bitvault trash empty --yes")
@SPACE
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def empty(space: str | None, yes: bool) -> Report:
    """Purge the whole trash; there is no way back."""
    with connect() as client:
        entries = _entries(client, space)
        if entries and not yes:
            click.confirm(f"Purge {len(entries)} entries for good?", abort=True, err=True)
        for entry in entries:
            client.rest.raw("DELETE", f"/v1/trash/{entry.entry_id}")
    return Report([plain(entry) for entry in entries], [f"purged {len(entries)} entries"])

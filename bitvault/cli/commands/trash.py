"""``trash list|restore|purge|empty``."""

# ruff: noqa: FBT001 - click passes flags by name

from typing import Any

import click

from bitvault.cli.context import bare, connect, is_id, remote, remote_path, reports, sure
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, counted
from bitvault.cli.places import Places, beside, inside
from bitvault.cli.render import plain, table, when
from bitvault.cli.several import several
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.wire.nodes import TrashEntry

_NOT_YOURS = (
    "what is shared with you is in a space of somebody else, whose trash you do not see; "
    "the id that `bitvault rm` printed restores what you removed"
)
SPACE = click.option("--space", default=None, help="Name or id of a space; else your own.")


@click.group(cls=Listing)
def trash() -> None:
    """List, restore, purge or empty the trash."""


def _entries(client: Client, space: str | None) -> list[TrashEntry]:
    space_id = client.node(f"{space}:/").space_id if space else None
    try:
        return list(client.listed("/v1/trash", TrashEntry, spaceId=space_id))
    except Problem as problem:
        if space_id is None or problem.code != "space_not_found":
            raise
        raise NotFoundHere("not_your_trash", _NOT_YOURS) from problem


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


def _entry_id(client: Client, what: str) -> str:
    """Return the entry of that id, or the newest that was removed from that path.

    Raises:
        NotFoundHere: nothing in the trash was there.
        click.BadParameter: it is neither.
    """
    if is_id(what):
        return what
    space, _, inside = remote(bare(what)).partition(":/")
    named = not what.startswith("/")
    for entry in _entries(client, space if named else None):
        if entry.original_path == (f"/{inside}" if named else bare(what)):
            return str(entry.entry_id)
    raise NotFoundHere("not_in_trash", f"the trash has nothing from {what}")


def _entry_or_path(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    for one in value if isinstance(value, tuple) else (value,):
        if not is_id(one):
            remote(one)
    return value


@trash.command(
    epilog="Examples: bitvault trash restore /report.odt; "
    "bitvault trash restore 0193a5b2-... --to /rescued"
)
@click.argument("entry", callback=_entry_or_path)
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
def restore(entry: str, to: str | None, if_exists: str) -> Report:
    """Bring ENTRY back to where it was.

    ENTRY is its id, or the path it was removed from: then the newest one from there.
    """
    where = {"ifExists": if_exists, **({"parentPath": to} if to else {})}
    with connect() as client:
        done = client.restore(_entry_id(client, entry), **where)
        if to is not None:
            path = inside(to, done.node.name)
        elif is_id(entry):
            path = Places(client).of(done.node)
        else:
            path = beside(entry, done.node.name)
    return Report([plain(done)], [f"restored {path}"])


@trash.command(
    epilog="Examples: bitvault trash purge /report.odt; bitvault trash purge 0193a5b2-..."
)
@click.argument("entries", nargs=-1, required=True, callback=_entry_or_path)
@reports
def purge(entries: tuple[str, ...]) -> Report:
    """Remove ENTRIES for good.

    They are named by id, or by the path they had. There is no way back. What was removed by itself
    before its folder was is an entry of its own, and stays.
    """
    with connect() as client:
        purged = several(entries, lambda entry: _purge(client, entry))
    results = [{"entryId": entry_id} for _, entry_id in purged.done]
    return purged.report(results, [f"purged {entry}" for entry, _ in purged.done])


def _purge(client: Client, entry: str) -> str:
    entry_id = _entry_id(client, entry)
    client.rest.raw("DELETE", f"/v1/trash/{entry_id}")
    return entry_id


@trash.command(epilog="Example: bitvault trash empty --yes")
@SPACE
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def empty(space: str | None, yes: bool) -> Report:
    """Purge the whole trash, with what was removed by itself; there is no way back."""
    with connect() as client:
        entries = _entries(client, space)
        if entries and not yes:
            sure(f"Purge {counted(len(entries), 'entry')} for good?")
        for entry in entries:
            client.rest.raw("DELETE", f"/v1/trash/{entry.entry_id}")
    return Report([plain(entry) for entry in entries], [f"purged {counted(len(entries), 'entry')}"])

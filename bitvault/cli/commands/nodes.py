"""``mkdir``, ``mv``, ``cp``, ``rm``: changes of the tree; no bytes travel."""

# ruff: noqa: FBT001 - click passes flags by name

from typing import Any

import click

from bitvault.cli.context import DRY_RUN, bare, connect, remote_path, reports
from bitvault.cli.exposure import foresee, told
from bitvault.cli.output import Report
from bitvault.cli.places import beside, inside
from bitvault.cli.render import plain
from bitvault.cli.several import Several, several
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.client.shapes import Node
from bitvault.wire.sharing import AccessPreview

ON_CONFLICT = click.option(
    "--if-exists",
    type=click.Choice(["fail", "replace", "rename"]),
    default="fail",
    show_default=True,
    help="What to do when the name is taken.",
)


@click.command(epilog="Example: bitvault mkdir -p /photos/2026/11")
@click.argument("paths", nargs=-1, required=True, callback=remote_path)
@click.option("-p", "--parents", is_flag=True, help="Make parents; an existing folder is fine.")
@reports
def mkdir(paths: tuple[str, ...], parents: bool) -> Report:
    """Create folders."""
    with connect() as client:
        made = several(
            paths, lambda path: client.make_folder(bare(path), parents=parents, exist_ok=parents)
        )
    lines = [
        f"{'made' if one.event_id else 'there already:'} {beside(path, one.node.name)}"
        for path, one in made.done
    ]
    return made.report([plain(one.node) for _, one in made.done], lines)


def destination(client: Client, path: str) -> dict[str, Any]:
    """Read a destination as cp and mv do: into an existing folder, or under a new name."""
    space, colon, inside = path.rpartition(":")
    try:
        found = client.node(bare(path))
    except Problem as problem:
        if problem.status != 404 or inside.endswith("/"):  # noqa: PLR2004 - HTTP
            raise
    else:
        if found.kind == "folder":
            return {"parentId": found.id}
    parent, _, name = inside.rpartition("/")
    return {"parentPath": f"{space}{colon}{parent or '/'}", "name": name}


def _transfer(source: str, target: str, if_exists: str, verb: str, dry_run: bool) -> Report:
    with connect() as client:
        node = client.node(bare(source))
        where = {**destination(client, target), "ifExists": if_exists}
        if dry_run:
            seen = _exposed(client, node, where) if verb == "move" else None
            result = {**plain(node), **({"access": plain(seen)} if seen else {})}
            line = f"would {verb} {source} to {target}"
            return Report([result], [line, *(told(seen) if seen else [])])
        done = (client.move if verb == "move" else client.copy)(node, **where).node
    named = inside if "parentId" in where else beside
    return Report([plain(done)], [f"{source} -> {named(target, done.name)}"])


def _exposed(client: Client, node: Node, where: dict[str, Any]) -> AccessPreview | None:
    """Say who would gain or lose access by a move; None for whoever may not share both places."""
    to = {key: where[key] for key in ("parentId", "parentPath") if key in where}
    try:
        return foresee(client, node.id, {"moveTo": to})
    except Problem as problem:
        if problem.status not in (403, 404):
            raise
        return None


@click.command(epilog="Examples: bitvault mv /a.txt /b.txt; bitvault mv /a.txt /folder/")
@click.argument("source", callback=remote_path)
@click.argument("target", callback=remote_path)
@ON_CONFLICT
@DRY_RUN
@reports
def mv(source: str, target: str, if_exists: str, dry_run: bool) -> Report:
    """Rename or move a file or folder, into TARGET when that is a folder."""
    return _transfer(source, target, if_exists, "move", dry_run)


@click.command(epilog="Example: bitvault cp /report.odt /archive/")
@click.argument("source", callback=remote_path)
@click.argument("target", callback=remote_path)
@ON_CONFLICT
@DRY_RUN
@reports
def cp(source: str, target: str, if_exists: str, dry_run: bool) -> Report:
    """Copy a file or folder on the server, into TARGET when that is a folder."""
    return _transfer(source, target, if_exists, "copy", dry_run)


@click.command(epilog="Examples: bitvault rm /a.txt; bitvault rm -r /folder")
@click.argument("paths", nargs=-1, required=True, callback=remote_path)
@click.option("-r", "--recursive", is_flag=True, help="Folders too.")
@DRY_RUN
@reports
def rm(paths: tuple[str, ...], recursive: bool, dry_run: bool) -> Report:
    """Put files or folders in the trash; `bitvault trash restore` brings them back."""
    with connect() as client:
        found = several(paths, lambda path: client.node(bare(path)))
        _refuse_folders([node for _, node in found.done], recursive=recursive)
        if dry_run:
            return _foresee(client, found)
        return _remove(client, found)


def _foresee(client: Client, found: Several[Node]) -> Report:
    """Say what would be removed, and what would not, and why."""
    nodes = dict(found.done)
    asked = several(nodes, lambda path: client.trash(nodes[path], dry_run=True))
    lines = [f"would remove {path}{_with_all(nodes[path])}" for path, _ in asked.done]
    every = Several(asked.done, [*found.missed, *asked.missed])
    return every.report([plain(nodes[path]) for path, _ in asked.done], lines)


def _with_all(node: Node) -> str:
    is_folder = node.kind == "folder"
    return ", with all in it but what was removed from it before" if is_folder else ""


def _remove(client: Client, found: Several[Node]) -> Report:
    """Remove what was found; of several, one that fails leaves the others alone."""
    nodes = dict(found.done)
    gone = several(nodes, lambda path: client.trash(nodes[path]))
    lines = [
        f"removed {beside(path, nodes[path].name)}; undo: bitvault trash restore {one.entry_id}"
        for path, one in gone.done
    ]
    every = Several(gone.done, [*found.missed, *gone.missed])
    return every.report([plain(one) for _, one in gone.done], lines)


def _refuse_folders(nodes: list[Node], *, recursive: bool) -> None:
    folders = [node.path for node in nodes if node.kind == "folder"]
    if folders and not recursive:
        raise click.UsageError(f"{folders[0]} is a folder; say -r to remove it with all in it")

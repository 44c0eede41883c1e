"""``get`` and ``cat``: bytes come down."""

# ruff: noqa: FBT001 - click passes flags by name

import errno
import sys
from pathlib import Path

import click

from bitvault.cli.context import (
    DRY_RUN,
    IF_EXISTS,
    JOBS,
    Interrupted,
    bare,
    connect,
    remote_path,
    reports,
)
from bitvault.cli.output import Report, human_size
from bitvault.cli.progress import Terminal
from bitvault.cli.render import plain
from bitvault.cli.summary import report
from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import LocalExists
from bitvault.client.names import safe_name
from bitvault.client.results import TreeResult
from bitvault.client.shapes import Node
from bitvault.client.tree_down import TreeDownload


@click.command(
    epilog="Examples: bitvault get /a.txt; bitvault get /a.txt b.txt; "
    "bitvault get -r /photos ./photos; bitvault get /backup.tar - | tar x"
)
@click.argument("source", callback=remote_path)
@click.argument("target", required=False)
@click.option(
    "-r",
    "--recursive",
    is_flag=True,
    help="SOURCE is a folder; what is in it goes into TARGET, which is made.",
)
@IF_EXISTS
@DRY_RUN
@JOBS
@reports
def get(
    source: str,
    target: str | None,
    recursive: bool,
    if_exists: str,
    dry_run: bool,
    jobs: int,
) -> Report:
    """Download SOURCE to TARGET (else its own name here); `-` is standard output.

    Bytes are verified while they arrive and take the target's name only when they are right. When
    the download of a file above 64 MiB is interrupted, the same command goes on where it stopped.
    """
    progress = Terminal(quiet=target == "-")
    with connect() as client:
        node = client.node(bare(source))
        if node.kind == "folder" and not recursive:
            raise click.UsageError(f"{source} is a folder; say -r to get all that is in it")
        if target == "-":
            return _to_stdout(client, node)
        place = _place(node, target)
        if dry_run:
            return _planned(client, node, place)
        _need_folder(place)
        downloader = Downloader(client, jobs, progress)
        try:
            return report([_get(downloader, node, place, if_exists)], progress, "received")
        except KeyboardInterrupt:
            again = " and --if-exists skip" if recursive else ""
            advice = f"Go on where it stopped with: the same command{again}"
            raise Interrupted(advice) from None
        finally:
            progress.finish()


def _get(downloader: Downloader, node: Node, place: Path, if_exists: str) -> TreeResult:
    if node.kind == "folder":
        return TreeDownload(downloader, if_exists).run(node, place)
    try:
        downloader.get(node, place, if_exists)
    except LocalExists:
        if if_exists == "skip":
            return TreeResult(skipped=[str(place)])
        raise
    return TreeResult([node], bytes=node.size or 0)


def _planned(client: Client, node: Node, place: Path) -> Report:
    """List what would come, folder by folder."""
    planned, todo = list[tuple[Node, Path]](), [(node, place)]
    while todo:
        one, where = todo.pop()
        if one.kind == "file":
            planned.append((one, where))
            continue
        inside = [(child, where / safe_name(child.name)) for child in client.children(one.id)]
        todo += reversed(inside)
    lines = [f"would get {one.path} ({human_size(one.size or 0)}) to {to}" for one, to in planned]
    return Report([{**plain(one), "target": str(to)} for one, to in planned], lines)


def _need_folder(place: Path) -> None:
    """Refuse a target in a folder that is not there, by the name one has given it."""
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(place.parent))


def _place(node: Node, target: str | None) -> Path:
    """Decide the local path: a file goes into an existing folder under its own name."""
    if target is None:
        return Path(safe_name(node.name or "root"))
    path = Path(target)
    inside = node.kind == "file" and (path.is_dir() or target.endswith("/"))
    return path / safe_name(node.name) if inside else path


def _to_stdout(client: Client, node: Node) -> Report:
    if node.kind == "folder":
        raise click.UsageError(f"{node.path} is a folder; standard output takes one file")
    Downloader(client).stream(client.content(node.id), sys.stdout.buffer.write)
    sys.stdout.buffer.flush()
    return Report()


@click.command(epilog="Example: bitvault cat /notes.txt")
@click.argument("paths", nargs=-1, required=True, callback=remote_path)
@reports
def cat(paths: tuple[str, ...]) -> Report:
    """Write files to standard output, verified as they pass."""
    with connect() as client:
        for path in paths:
            _to_stdout(client, client.node(path))
    return Report()

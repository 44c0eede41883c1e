"""``get`` and ``cat``: bytes come down."""

# ruff: noqa: FBT001 - click passes flags by name

import sys
from pathlib import Path

import click

from bitvault.cli.context import (
    DRY_RUN,
    IF_EXISTS,
    JOBS,
    NUMBER,
    Interrupted,
    bare,
    connect,
    remote_path,
    reports,
    stdout_is_taken,
)
from bitvault.cli.failures import said
from bitvault.cli.output import Exit, Report, human_size
from bitvault.cli.progress import Terminal
from bitvault.cli.render import plain
from bitvault.cli.several import several
from bitvault.cli.summary import few, report
from bitvault.client.client import Client
from bitvault.client.compare import Refused, Unchanged, compare_here
from bitvault.client.downloads import Downloader, as_of
from bitvault.client.drafts import forget_draft
from bitvault.client.errors import LocalExists
from bitvault.client.names import naming, safe_name
from bitvault.client.results import TreeResult
from bitvault.client.shapes import Node
from bitvault.client.tree_down import TreeDownload

VERSION = click.option(
    "--version", type=NUMBER, help="An old version of a file; see `bitvault versions list`."
)


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
@VERSION
@IF_EXISTS
@DRY_RUN
@JOBS
@reports
def get(
    source: str,
    target: str | None,
    recursive: bool,
    version: int | None,
    if_exists: str | None,
    dry_run: bool,
    jobs: int,
) -> Report:
    """Download SOURCE to TARGET (else its own name here); `-` is standard output.

    The folders above TARGET are made.

    A tree fetched again fetches only what is new or changed (`update`). Size and modification time
    tell what is the same, or else the content. What was modified later here than there is not
    overwritten: it fails (exit 7), until `replace` is said, which keeps no copy of it.

    Bytes are verified while they arrive and take the target's name only when they are right. When
    it is interrupted, the same command goes on where it stopped, also in a file above 64 MiB.
    """
    progress = Terminal(quiet=target == "-")
    if target == "-":
        stdout_is_taken()
    with connect() as client:
        node = client.node(bare(source))
        _refuse_folder(node, source, recursive=recursive, version=version)
        if target == "-":
            return _to_stdout(client, node, version)
        place = _place(node, target)
        if dry_run:
            return _planned(client, node, place, _mode(node, if_exists))
        place.parent.mkdir(parents=True, exist_ok=True)
        downloader = Downloader(client, jobs, progress)
        try:
            done = _get(downloader, node, place, if_exists, version)
            return report([done], progress, "received")
        except KeyboardInterrupt:
            raise Interrupted("Go on where it stopped with: the same command") from None
        finally:
            progress.finish()


def _refuse_folder(node: Node, source: str, *, recursive: bool, version: int | None) -> None:
    if node.kind == "folder" and version is not None:
        raise click.UsageError(f"{source} is a folder; only files have versions")
    if node.kind == "folder" and not recursive:
        raise click.UsageError(f"{source} is a folder; say -r to get all that is in it")


def _get(
    downloader: Downloader, node: Node, place: Path, if_exists: str | None, version: int | None
) -> TreeResult:
    if_exists = _mode(node, if_exists)
    if node.kind == "folder":
        return TreeDownload(downloader, if_exists).run(node, place)
    if version is not None:
        node = as_of(downloader.client, node, version)
    if if_exists == "update":
        verdict = compare_here(node, place)
        if isinstance(verdict, Unchanged):
            forget_draft(place)
            return TreeResult(unchanged=1)
        if isinstance(verdict, Refused):
            raise verdict.error
        if_exists = "replace"
    try:
        downloader.get(node, place, if_exists)
    except LocalExists:
        if if_exists == "skip":
            return TreeResult(skipped=[str(place)])
        raise
    return TreeResult([node], bytes=node.size or 0)


def _mode(node: Node, if_exists: str | None) -> str:
    return if_exists or ("update" if node.kind == "folder" else "fail")


def _planned(client: Client, node: Node, place: Path, if_exists: str) -> Report:
    """List what would come, folder by folder; and what ``update`` would not overwrite."""
    planned, todo = list[tuple[Node, Path]](), [(node, place)]
    while todo:
        one, where = todo.pop()
        if one.kind == "file":
            planned.append((one, where))
            continue
        inside = [(child, where / safe_name(child.name)) for child in client.children(one.id)]
        todo += reversed(inside)
    fails: list[str] = []
    if if_exists == "update":
        verdicts = [compare_here(one, where) for one, where in planned]
        fails = [f"would fail: {said(one.error)}" for one in verdicts if isinstance(one, Refused)]
        both = zip(planned, verdicts, strict=True)
        planned = [pair for pair, one in both if not isinstance(one, Refused | Unchanged)]
    lines = [f"would get {one.path} ({human_size(one.size or 0)}) to {to}" for one, to in planned]
    results = [{**plain(one), "target": str(to)} for one, to in planned]
    return Report(results, lines, fails, Exit.PARTIAL if fails else Exit.OK, brief=few(fails))


def _place(node: Node, target: str | None) -> Path:
    """Decide the local path: a file goes into an existing folder under its own name."""
    if target is None:
        return Path(safe_name(node.name or "root"))
    path = Path(target)
    inside = node.kind == "file" and (path.is_dir() or target.endswith("/"))
    return path / safe_name(node.name) if inside else path


def _to_stdout(client: Client, node: Node, version: int | None) -> Report:
    if node.kind == "folder":
        raise click.UsageError(f"{node.path} is a folder; standard output takes one file")
    with naming("standard output"):
        Downloader(client).stream(client.content(node.id, version), sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
    return Report()


@click.command(epilog="Examples: bitvault cat /notes.txt; bitvault cat --version 3 /notes.txt")
@click.argument("paths", nargs=-1, required=True, callback=remote_path)
@VERSION
@reports
def cat(paths: tuple[str, ...], version: int | None) -> Report:
    """Write files to standard output, verified as they pass.

    One that is missing leaves the others alone. With --json the envelope goes to standard error.
    """
    stdout_is_taken()
    with connect() as client:
        done = several(paths, lambda path: _to_stdout(client, client.node(path), version))
    return done.report([], [])

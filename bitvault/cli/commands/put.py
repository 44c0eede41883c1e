"""``put``: files, trees and standard input go up."""

# ruff: noqa: FBT001 - click passes flags by name

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import click

from bitvault.cli.context import (
    DRY_RUN,
    IF_EXISTS,
    JOBS,
    Interrupted,
    connect,
    remote,
    reports,
)
from bitvault.cli.output import Exit, Report, counted, human_size
from bitvault.cli.progress import Terminal
from bitvault.cli.render import plain
from bitvault.client.client import Client
from bitvault.client.errors import NamesCollide, Problem
from bitvault.client.hashing import BLOCK
from bitvault.client.names import path_key, twins
from bitvault.client.trees import Missed, TreeResult, TreeUpload
from bitvault.client.uploads import Source, Uploader
from bitvault.client.walk import LocalFile, walk


@click.command(
    epilog="Examples: bitvault put a.txt /a.txt; bitvault put *.jpg /photos/; "
    "bitvault put -r ./src /backup/src; tar c . | bitvault put - /backup.tar"
)
@click.argument("sources", nargs=-1)
@click.argument("target")
@click.option(
    "-r",
    "--recursive",
    is_flag=True,
    help="SOURCE is a folder; what is in it goes into TARGET, which is made.",
)
@click.option("--follow", is_flag=True, help="Follow symbolic links (else they are left out).")
@IF_EXISTS
@DRY_RUN
@JOBS
@reports
def put(
    sources: tuple[str, ...],
    target: str,
    recursive: bool,
    follow: bool,
    if_exists: str,
    dry_run: bool,
    jobs: int,
) -> Report:
    """Upload SOURCES to TARGET; `-` is standard input.

    A TARGET that ends with / is a folder to put into. Files above 64 MiB go up in parallel parts;
    when interrupted, the same command goes on where it stopped. Standard input is spooled to
    $TMPDIR first, at most half of what is free there.
    """
    if not sources:
        raise click.UsageError(f"say where to: bitvault put {target} TARGET, as in /a or /folder/")
    remote(target)
    if len(sources) > 1 and not target.endswith("/"):
        raise click.UsageError("several sources need a TARGET that ends with /")
    if dry_run:
        return _planned(sources, target, recursive=recursive, follow=follow)
    progress = Terminal()
    with connect() as client:
        uploader = Uploader(client, jobs, progress)
        try:
            return _put_all(uploader, progress, sources, target, (recursive, follow, if_exists))
        except KeyboardInterrupt:
            raise Interrupted(_advice(sources, recursive=recursive)) from None
        finally:
            progress.finish()


def _put_all(
    uploader: Uploader,
    progress: Terminal,
    sources: tuple[str, ...],
    target: str,
    options: tuple[bool, bool, str],
) -> Report:
    recursive, follow, if_exists = options
    results = []
    paired = twins(_inside(target, Path(source)) for source in sources)
    for source in sources:
        path = Path(source)
        if (place := _inside(target, path)) in paired:
            others = [
                other for other in sources if _clash(target, other, place) and other != source
            ]
            miss = Missed(source, NamesCollide(others or [source]))
            results.append(TreeResult(missed=[miss]))
            continue
        if source != "-" and path.is_dir():
            _need_recursive(path, recursive=recursive)
            tree = TreeUpload(uploader, place, if_exists)
            results.append(tree.run(path, follow=follow))
        else:
            results.append(_put_one(uploader, source, target, if_exists))
    return report(results, progress)


def _clash(target: str, source: str, place: str) -> bool:
    return path_key(_inside(target, Path(source))) == path_key(place)


def _put_one(uploader: Uploader, source: str, target: str, if_exists: str) -> TreeResult:
    place = target
    if source != "-":
        place = _inside(target, Path(source))
        if place == target and _is_folder(uploader.client, target):
            place = _inside(f"{target}/", Path(source))
    elif target.endswith("/"):
        raise click.UsageError("standard input needs the name of a file as TARGET")
    try:
        with _opened(source) as file:
            node = uploader.put(file, place, if_exists)
    except Problem as problem:
        if problem.code == "name_taken" and if_exists == "skip":
            return TreeResult(skipped=[place])
        raise
    return TreeResult([node], bytes=node.size or 0)


def _is_folder(client: Client, path: str) -> bool:
    try:
        return client.node(path).kind == "folder"
    except Problem as problem:
        if problem.status == 404:  # noqa: PLR2004 - HTTP
            return False
        raise


@contextmanager
def _opened(source: str) -> Iterator[Source]:
    """Look at a file, or spool standard input to one."""
    if source != "-":
        yield Source.of(Path(source))
        return
    with tempfile.NamedTemporaryFile(prefix="bitvault-") as spool:
        limit = shutil.disk_usage(Path(spool.name).parent).free // 2
        copy_bounded(sys.stdin.buffer, spool, limit)
        yield Source.of(Path(spool.name))


def copy_bounded(source: BinaryIO, target: IO[bytes], limit: int) -> None:
    """Copy a stream of unknown length, refusing more than ``limit`` bytes."""
    total = 0
    while block := source.read(BLOCK):
        total += len(block)
        if total > limit:
            raise click.UsageError(
                f"standard input is longer than {human_size(limit)}, half of what is free in "
                f"{tempfile.gettempdir()}; set TMPDIR to a larger disk"
            )
        target.write(block)
    target.flush()


def report(results: list[TreeResult], progress: Terminal) -> Report:
    """Sum up what was transferred; anything that failed makes it partial."""
    nodes = [plain(node) for one in results for node in one.nodes]
    missed = [f"{miss.path}: {miss.error}" for one in results for miss in one.missed]
    skipped = [f"{path}: exists; skipped" for one in results for path in one.skipped]
    size = human_size(sum(one.bytes for one in results))
    folders = sum(one.folders for one in results)
    line = f"{counted(len(nodes), 'file')}, {counted(folders, 'folder')}, {size}"
    if missed:
        line += f"; {len(missed)} failed"
    warnings = [*progress.notes, *skipped, *missed]
    return Report(nodes, [line], warnings, Exit.PARTIAL if missed else Exit.OK)


def _planned(sources: tuple[str, ...], target: str, *, recursive: bool, follow: bool) -> Report:
    """List what would be sent, without calling the server."""
    notes: list[str] = []
    planned: list[tuple[str, str, int]] = []
    for source in sources:
        path = Path(source)
        place = _inside(target, path)
        if source == "-":
            planned.append((source, target, 0))
        elif path.is_dir():
            _need_recursive(path, recursive=recursive)
            planned += [
                (str(entry.source.path), f"{place.rstrip('/')}/{entry.relative}", entry.source.size)
                for entry in walk(path, notes.append, follow=follow)
                if isinstance(entry, LocalFile)
            ]
        else:
            planned.append((source, place, path.stat().st_size))
    results = [{"source": one, "path": where, "size": size} for one, where, size in planned]
    return Report(results, [f"would put {one} to {where}" for one, where, _ in planned], notes)


def _inside(target: str, path: Path) -> str:
    """Add the source's own name to a target that ends with ``/``."""
    return target + path.resolve().name if target.endswith("/") else target


def _need_recursive(path: Path, *, recursive: bool) -> None:
    if not recursive:
        raise click.UsageError(f"{path} is a folder; say -r to put all that is in it")


def _advice(sources: tuple[str, ...], *, recursive: bool) -> str:
    if "-" in sources:
        return "Standard input has to be sent again."
    if recursive:
        return (
            "What was committed stays; go on with: the same command and --if-exists skip. "
            "What was begun keeps room until: bitvault uploads abort --all"
        )
    return "The same command goes on where it stopped; or see: bitvault uploads list"

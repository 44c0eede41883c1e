"""``put``: files, trees and standard input go up."""

# ruff: noqa: FBT001 - click passes flags by name

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import click
from attrs import field, frozen

from bitvault.cli.context import (
    DRY_RUN,
    IF_EXISTS,
    JOBS,
    Interrupted,
    connect,
    remote,
    reports,
)
from bitvault.cli.failures import said
from bitvault.cli.foresight import Planned, plan_folder, planned
from bitvault.cli.output import Report, human_size
from bitvault.cli.progress import Terminal
from bitvault.cli.summary import report
from bitvault.client.compare import Changed, New, Refused, Unchanged, foresee
from bitvault.client.errors import BitVaultError, NamesCollide, NotAFile, NotText, Problem
from bitvault.client.hashing import BLOCK
from bitvault.client.names import naming, path_key
from bitvault.client.remote_tree import find
from bitvault.client.results import Missed, TreeResult
from bitvault.client.state import UploadStates
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader, text

_UNSEEN = (
    "you may put files in there, and see nothing of it: all was sent, and a name that was taken "
    "got a number"
)


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
    if_exists: str | None,
    dry_run: bool,
    jobs: int,
) -> Report:
    """Upload SOURCES to TARGET; `-` is standard input.

    A TARGET that ends with / is a folder to put into.

    A tree put again sends only what is new or changed (`update`). Size and modification time tell
    what is the same, or else the content. A changed file becomes a new version. One that was
    modified later there than here is not overwritten: it fails, until `replace` is said.

    Names that differ in case alone (Faq, FAQ), or in how letters are composed, are one name there:
    if the sources have several such, those fail, whatever --if-exists says.

    Where you may add and see nothing (role uploader), nothing can be compared: all is sent, a tree
    put again too, and a name that is taken gets a number.

    What cannot be sent (unreadable, or a name that is not UTF-8) is named, and the rest goes on:
    exit 7. Symbolic links and special files of a tree are left out with a note.

    Files above 64 MiB go up in parallel parts; when interrupted, the same command goes on where it
    stopped. Standard input is spooled to $TMPDIR first, at most half of what is free there.
    """
    if not sources:
        raise click.UsageError(f"say where to: bitvault put {target} TARGET, as in /a or /folder/")
    target = remote(target)
    if len(sources) > 1 and not target.endswith("/"):
        raise click.UsageError("several sources need a TARGET that ends with /")
    progress = Terminal()
    with connect() as client:
        uploader = Uploader(client, jobs, progress)
        work = _Work(uploader, target, if_exists, recursive=recursive, follow=follow)
        try:
            if dry_run:
                return planned(list(work.plan_all(sources)), progress.notes)
            results = work.put_all(sources)
            if uploader.states.lost is not None:
                progress.note(_without_state(uploader.states, uploader.states.lost))
            if any(node.parent_id is None for one in results for node in one.nodes):
                progress.note(_UNSEEN)
            return report(results, progress, "sent", target)
        except KeyboardInterrupt:
            advice = _advice(sources, recursive=recursive, lost=uploader.states.lost)
            raise Interrupted(advice) from None
        finally:
            progress.finish()


@frozen
class _Work:
    """One call of the command."""

    uploader: Uploader
    target: str
    if_exists: str | None
    recursive: bool = field(kw_only=True)
    follow: bool = field(kw_only=True)

    def put_all(self, sources: Sequence[str]) -> list[TreeResult]:
        """Put one source after the other; of several, one that fails leaves the others alone.

        One that is there and cannot be read, or cannot have its name at the server, is counted as
        failed, alone too.
        """
        self.uploader.held.recover()
        results = []
        for source in sources:
            if others := self._others(source, sources):
                results.append(TreeResult(missed=[Missed(source, NamesCollide(others))]))
                continue
            try:
                results.append(self._put(source))
            except (BitVaultError, OSError) as error:
                if len(sources) == 1 and not _is_unsendable(error):
                    raise
                results.append(TreeResult(missed=[Missed(source, error)]))
        return results

    def _put(self, source: str) -> TreeResult:
        path = Path(source)
        if source != "-" and is_folder(path):
            self._need_recursive(path)
            tree = TreeUpload(self.uploader, self._place(source), self.if_exists or "update")
            return tree.run(path, follow=self.follow)
        place = self._file_place(source)
        with _opened(source) as file:
            return put_file(self.uploader, file, place, self.if_exists or "fail")

    def plan_all(self, sources: Sequence[str]) -> Iterator[Planned]:
        """Say what would become of the sources, without changing anything."""
        for source in sources:
            if others := self._others(source, sources):
                yield Planned(source, self._place(source), 0, Refused(NamesCollide(others)))
                continue
            try:
                yield from self._plan(source)
            except OSError as error:
                if len(sources) == 1 and not _is_unsendable(error):
                    raise
                yield Planned(source, self._place(source), 0, Refused(_unread(error)))
            except BitVaultError as error:
                if len(sources) == 1:
                    raise
                yield Planned(source, self._place(source), 0, Refused(error))

    def _plan(self, source: str) -> Iterator[Planned]:
        path = Path(source)
        if source == "-":
            yield Planned(source, self._file_place(source), 0, New())
        elif is_folder(path):
            self._need_recursive(path)
            mode = self.if_exists or "update"
            yield from plan_folder(
                self.uploader, path, self._place(source), mode, follow=self.follow
            )
        else:
            place = text(self._file_place(source))
            there = find(self.uploader.client, place)
            file = Source.of(path)
            verdict = foresee(file, place.rpartition("/")[2], there, self.if_exists or "fail")
            yield Planned(source, place, file.size, verdict)

    def _others(self, source: str, sources: Sequence[str]) -> list[str]:
        """Return the sources that would end where this one does."""
        key = path_key(self._place(source))
        same = [other for other in sources if path_key(self._place(other)) == key]
        return [other for other in same if other != source] or same[1:]

    def _place(self, source: str) -> str:
        """Add the source's own name to a target that ends with ``/``."""
        target = self.target
        return target + _name(source) if target.endswith("/") else target

    def _file_place(self, source: str) -> str:
        """Say where a file goes: into the target, when that turns out to be a folder."""
        if source == "-":
            if self.target.endswith("/"):
                raise click.UsageError("standard input needs the name of a file as TARGET")
            return self.target
        place = text(self._place(source))
        if place == self.target:
            there = find(self.uploader.client, place)
            if there is not None and there.kind == "folder":
                return text(f"{place}/{_name(source)}")
        return place

    def _need_recursive(self, path: Path) -> None:
        if not self.recursive:
            raise click.UsageError(f"{path} is a folder; say -r to put all that is in it")


def put_file(uploader: Uploader, file: Source, place: str, if_exists: str) -> TreeResult:
    """Put one file; ``update`` looks first at what is there."""
    base = None
    if if_exists == "update":
        verdict = foresee(file, place.rpartition("/")[2], find(uploader.client, place), if_exists)
        if isinstance(verdict, Unchanged):
            uploader.forsake(file, place)
            return TreeResult(unchanged=1)
        if isinstance(verdict, Refused):
            raise verdict.error
        base = verdict.version if isinstance(verdict, Changed) else None
    try:
        node = uploader.put(file, place, if_exists, base)
    except Problem as problem:
        if problem.code == "name_taken" and if_exists == "skip":
            uploader.forsake(file, place)
            return TreeResult(skipped=[place])
        raise
    if path_key(node.name) != path_key(place.rpartition("/")[2]):
        uploader.progress.note(f"{place}: exists; sent as {node.name}")
    return TreeResult([node], bytes=node.size or 0)


@contextmanager
def _opened(source: str) -> Iterator[Source]:
    """Look at a file, or spool standard input to one."""
    if source != "-":
        yield Source.of(Path(source))
        return
    with tempfile.NamedTemporaryFile(prefix="bitvault-") as spool:
        limit = shutil.disk_usage(Path(spool.name).parent).free // 2
        with naming(spool.name):
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


def _name(source: str) -> str:
    """Return the name that a source has where it is, also for ``.`` and ``..``."""
    return os.path.basename(os.path.abspath(source))  # noqa: PTH100, PTH119 - links keep their names


def is_folder(path: Path) -> bool:
    """Say whether it is a folder.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return False  # opening it tells


def _is_unsendable(error: BaseException) -> bool:
    """Say whether something is there that cannot be sent."""
    if isinstance(error, OSError):
        return not isinstance(error, FileNotFoundError)
    return isinstance(error, NotText | NotAFile)


def _unread(error: OSError) -> BitVaultError:
    return BitVaultError(said(error))


def _without_state(states: UploadStates, error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"{states.folder}: {reason}; so an upload that is interrupted begins again"


def _advice(sources: tuple[str, ...], *, recursive: bool, lost: OSError | None) -> str:
    if "-" in sources:
        return "Standard input has to be sent again."
    if lost is not None:
        return f"The same command sends what is not there yet. Nothing could be kept: {said(lost)}"
    if recursive:
        return (
            "What was committed stays, and the same command goes on with the rest. Of files above "
            "64 MiB what has arrived is kept for it, until: bitvault uploads abort --all"
        )
    return "The same command goes on where it stopped; or see: bitvault uploads list"

"""Whole trees down: list level by level, presign by the hundreds, fetch in parallel."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from bitvault.client.compare import Refused, Unchanged, compare_here
from bitvault.client.downloads import Downloader, keep_time, place, same_file
from bitvault.client.drafts import Drafts, forget_draft
from bitvault.client.errors import (
    BitVaultError,
    LocalExists,
    NamesCollide,
    Problem,
    UnknownHash,
)
from bitvault.client.hashing import parts_of
from bitvault.client.names import safe_name, twins
from bitvault.client.results import Missed, TreeResult
from bitvault.client.shapes import Content, Node
from bitvault.client.trees import MOST_FILES
from bitvault.client.walk import real_folder
from bitvault.client.workers import Failed, attempt, each


@frozen
class Wanted:
    """A remote file and where it goes."""

    node: Node
    target: Path


class TreeDownload:
    """Gets one remote folder into one local folder; ``update`` fetches what is new or changed."""

    def __init__(self, downloader: Downloader, if_exists: str) -> None:
        self._down, self._if_exists = evolve(downloader, drafts=Drafts()), if_exists
        self._result = TreeResult()
        self._folders = self._unchanged = 0

    def run(self, root: Node, target: Path) -> TreeResult:
        """Download everything below ``root``; what fails is in the result, the rest goes on."""
        self._folders += not target.is_dir()
        target.mkdir(parents=True, exist_ok=True)
        try:
            self._all(Wanted(root, target))
        except BaseException:
            self._down.drafts.end()
            raise
        done = self._result
        total = sum(node.size or 0 for node in done.nodes)
        return TreeResult(
            done.nodes, self._unchanged, done.skipped, done.missed, self._folders, total
        )

    def _all(self, root: Wanted) -> None:
        level = [root]
        while level:
            files, level = self._list(level)
            for start in range(0, len(files), MOST_FILES):
                self._fetch(self._needed(files[start : start + MOST_FILES]))

    def _list(self, level: Sequence[Wanted]) -> tuple[list[Wanted], list[Wanted]]:
        """List some folders at once; return the files in them, and the folders."""
        files: list[Wanted] = []
        folders: list[Wanted] = []
        client = self._down.client
        listings = each(self._down.jobs, lambda one: list(client.children(one.node.id)), level)
        for folder, listing in zip(level, listings, strict=True):
            if isinstance(listing, Failed):
                self._miss(folder, listing.error)
                continue
            for wanted in self._places(folder, listing):
                (folders if wanted.node.kind == "folder" else files).append(wanted)
        return files, folders

    def _places(self, folder: Wanted, listing: Sequence[Node]) -> Iterator[Wanted]:
        doubles = twins(node.name for node in listing)
        for node in listing:
            try:
                wanted = Wanted(node, folder.target / _local_name(node, doubles))
                if node.kind == "folder":
                    self._folders += real_folder(wanted.target)
                elif self._if_exists != "update":
                    wanted = Wanted(node, place(wanted.target, self._if_exists))
            except LocalExists as error:
                if self._if_exists == "skip":
                    self._result.skipped.append(node.path)
                else:
                    self._miss(Wanted(node, folder.target), error)
            except (BitVaultError, OSError) as error:
                self._miss(Wanted(node, folder.target), error)
            else:
                yield wanted

    def _needed(self, files: Sequence[Wanted]) -> Sequence[Wanted]:
        """Leave out what need not be fetched, or must not be; only ``update`` compares."""
        if self._if_exists != "update":
            return files
        needed: list[Wanted] = []
        verdicts = each(self._down.jobs, lambda one: compare_here(one.node, one.target), files)
        for file, verdict in zip(files, verdicts, strict=True):
            if isinstance(verdict, Refused | Failed):
                self._miss(file, verdict.error)
            elif isinstance(verdict, Unchanged):
                self._keep(file)
                self._unchanged += 1
            else:
                needed.append(file)
        return needed

    def _keep(self, file: Wanted) -> None:
        """Leave a file whose content is right; what a killed run left beside it goes."""
        keep_time(file.node, file.target)
        forget_draft(file.target)

    def _fetch(self, files: Sequence[Wanted]) -> None:
        """Presign and fetch one batch; files in parts one by one, as they are parallel inside."""
        if not files:
            return
        self._down.progress.expect(sum(file.node.size or 0 for file in files))
        contents = self._down.client.contents([file.node.id for file in files])
        pairs: list[tuple[Wanted, Content]] = []
        for file, content in zip(files, contents, strict=True):
            if isinstance(content, Problem):
                self._miss(file, content)
            else:
                pairs.append((file, content))
        small = [pair for pair in pairs if not _is_large(pair[1])]
        large = [pair for pair in pairs if _is_large(pair[1])]
        self._settle(each(self._down.jobs, self._write, small))
        for pair in large:
            # In this thread, so that Ctrl-C reaches what keeps the parts for the next run.
            self._settle([attempt(self._write, pair)])

    def _write(self, pair: tuple[Wanted, Content]) -> Node | None:
        """Fetch a file; None when it is here already."""
        file, content = pair
        if self._if_exists == "replace" and same_file(content, file.target):
            self._down.progress.advance(content.size)
            self._keep(file)
            return None
        if self._if_exists == "update":
            # A batch takes its time: what was changed here meanwhile stays, too.
            verdict = compare_here(file.node, file.target)
            if isinstance(verdict, Refused):
                raise verdict.error
        self._down.write(content, file.target)
        keep_time(file.node, file.target)
        return file.node

    def _settle(self, outcomes: Sequence[Node | Failed[tuple[Wanted, Content]] | None]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                self._miss(outcome.item[0], outcome.error)
            elif outcome is None:
                self._unchanged += 1
            else:
                self._result.nodes.append(outcome)

    def _miss(self, file: Wanted, error: BitVaultError | OSError) -> None:
        self._result.missed.append(Missed(file.node.path, error))


def _local_name(node: Node, doubles: Mapping[str, Sequence[str]]) -> str:
    """Return what a node is called here.

    Raises:
        UnsafeName: it could lead out of the folder, or the file system cannot write it.
        NamesCollide: others beside it have that name here too.
    """
    if node.name in doubles:
        raise NamesCollide(doubles[node.name], "fetched")
    return safe_name(node.name)


def _is_large(content: Content) -> bool:
    try:
        return parts_of(content.hash, content.size) is not None
    except UnknownHash:
        return False  # writing it tells

"""Whole trees down: list level by level, presign by the hundreds, fetch in parallel."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from bitvault.client.downloads import Downloader, keep_time, place, same_file
from bitvault.client.errors import BitVaultError, LocalExists, Problem
from bitvault.client.hashing import parts_of
from bitvault.client.names import safe_name
from bitvault.client.results import Missed, TreeResult
from bitvault.client.shapes import Content, Node
from bitvault.client.trees import MOST_FILES
from bitvault.client.walk import real_folder
from bitvault.client.workers import Failed, each


@frozen
class Wanted:
    """A remote file and where it goes."""

    node: Node
    target: Path


class TreeDownload:
    """Gets one remote folder into one local folder."""

    def __init__(self, downloader: Downloader, if_exists: str) -> None:
        self._down, self._if_exists = downloader, if_exists
        self._result = TreeResult()
        self._folders = self._unchanged = 0

    def run(self, root: Node, target: Path) -> TreeResult:
        """Download everything below ``root``; what fails is in the result, the rest goes on."""
        self._folders += not target.is_dir()
        target.mkdir(parents=True, exist_ok=True)
        level = [Wanted(root, target)]
        while level:
            files, level = self._list(level)
            for start in range(0, len(files), MOST_FILES):
                self._fetch(files[start : start + MOST_FILES])
        done = self._result
        total = sum(node.size or 0 for node in done.nodes)
        return TreeResult(
            done.nodes, self._unchanged, done.skipped, done.missed, self._folders, total
        )

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
        for node in listing:
            try:
                wanted = Wanted(node, folder.target / safe_name(node.name))
                if node.kind == "folder":
                    self._folders += real_folder(wanted.target)
                else:
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

    def _fetch(self, files: Sequence[Wanted]) -> None:
        """Presign and fetch one batch; files in parts one by one, as they are parallel inside."""
        self._down.progress.expect(sum(file.node.size or 0 for file in files))
        contents = self._down.client.contents([file.node.id for file in files])
        pairs: list[tuple[Wanted, Content]] = []
        for file, content in zip(files, contents, strict=True):
            if isinstance(content, Problem):
                self._miss(file, content)
            else:
                pairs.append((file, content))
        small = [pair for pair in pairs if parts_of(pair[1].hash, pair[1].size) is None]
        large = [pair for pair in pairs if parts_of(pair[1].hash, pair[1].size) is not None]
        self._settle(each(self._down.jobs, self._write, small))
        self._settle(each(1, self._write, large))

    def _write(self, pair: tuple[Wanted, Content]) -> Node | None:
        """Fetch a file; None when it is here already."""
        file, content = pair
        if self._if_exists == "replace" and same_file(content, file.target):
            self._down.progress.advance(content.size)
            keep_time(file.node, file.target)
            return None
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

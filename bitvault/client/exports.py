"""A tenant taken along: what there is as JSON lines, and each content once, named by its hash."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from attrs import define, field

from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import Problem, StoreRefused
from bitvault.client.hashing import BLOCK, ContentHasher
from bitvault.client.names import naming
from bitvault.client.shapes import Content
from bitvault.wire.admin import ExportedRecord
from bitvault.wire.fields import Page

_PAGE, _TRIES = 200, 5


@define
class Taken:
    """What has been taken along so far."""

    records: int = 0
    contents: int = 0
    size: int = 0
    """Bytes of the contents."""


@define
class Export:
    """Takes a tenant along into a folder; what an earlier run has brought stays, if it is right.

    A line of ``manifest.jsonl`` is a kind and a record; ``contents/`` has the bytes of versions.
    """

    client: Client
    path: str
    """Of the REST interface, to ask for pages."""
    folder: Path
    tell: Callable[[Taken], None] = lambda _: None
    taken: Taken = field(factory=Taken)
    _right: set[str] = field(factory=set, init=False)
    """Contents that are known to be right: many versions may have the same."""

    def run(self) -> Taken:
        """Take all of it; the manifest gets its name when it is whole."""
        contents = self.folder / "contents"
        contents.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "manifest.jsonl.part"
        with naming(draft), draft.open("w", encoding="utf-8") as manifest:
            for one in self._records(contents):
                manifest.write(json.dumps(one, ensure_ascii=False) + "\n")
        draft.replace(self.folder / "manifest.jsonl")
        return self.taken

    def _records(self, contents: Path) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self._page(cursor, contents)
            for one in page.items:
                self.taken.records += 1
                yield {"kind": one.kind, "record": one.record}
            self.tell(self.taken)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _page(self, cursor: str | None, contents: Path) -> Page[ExportedRecord]:
        """Ask for a page and fetch its contents; again where signatures expired on the way."""
        body = {"limit": _PAGE, **({} if cursor is None else {"cursor": cursor})}
        for tries in range(_TRIES):
            page = self.client.rest.call("POST", self.path, Page[ExportedRecord], body=body)
            try:
                for one in page.items:
                    if one.kind == "version":
                        self._fetch(one.record, contents)
            except (StoreRefused, Problem):
                if tries == _TRIES - 1:
                    raise
            else:
                return page
        raise AssertionError("the last try returns or raises")

    def _fetch(self, record: dict[str, Any], contents: Path) -> None:
        """Get a version's bytes, unless these are there; the record keeps where they are."""
        step = record.pop("content")
        name = str(record["hash"]).replace(":", "-")
        record["content"] = f"contents/{name}"
        target = contents / name
        if name in self._right:
            return
        if _is_content(target, str(record["hash"]), int(record["size"])):
            self._right.add(name)
            return
        described = {"id": record["nodeId"], "version": record["version"], **step}
        described |= {"size": record["size"], "hash": record["hash"]}
        Downloader(self.client).write(msgspec.convert(described, Content), target)
        self._right.add(name)
        self.taken.contents += 1
        self.taken.size += int(record["size"])


def _is_content(path: Path, content_hash: str, size: int) -> bool:
    """Say whether a file has these bytes, which are read for it."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    hasher, buffer = ContentHasher(content_hash, size), memoryview(bytearray(BLOCK))
    with path.open("rb", buffering=0) as file:
        while got := file.readinto(buffer):
            hasher.update(buffer[:got])
    return hasher.result() == content_hash

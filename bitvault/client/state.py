"""What a transfer leaves on disk so that another process can go on with it.

One small JSON file per transfer, written whole and renamed, readable by its owner only. It is a
hint, never the truth: an upload asks the store what it holds, a download hashes what is on disk.
"""

import hashlib
import json
import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from bitvault.client.names import beside, naming


def write_private(path: Path, content: str) -> None:
    """Replace a file by a new one with mode 0600; a reader sees the old or the new, whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = beside(path, f".{os.getpid()}-{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with naming(path), os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def state_folder() -> Path:
    """Return where resumable state lives: ``$XDG_STATE_HOME/bitvault``."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "bitvault"


@frozen
class UploadKey:
    """What makes two uploads the same one: the same file, unchanged, to the same place."""

    server: str
    target: str
    source: str
    size: int
    modified_ns: int

    def file_name(self) -> str:
        """Return a name that any key has for itself."""
        text = "\0".join((self.server, self.target, self.source, f"{self.size} {self.modified_ns}"))
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{digest[:40]}.json"


class UploadStates:
    """The open multipart uploads this machine knows of.

    It is a help alone: where the folder cannot be used, an upload is done without going on later.
    ``lost`` is what stood in the way first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lost: OSError | None = None

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Note that the folder cannot be used, instead of failing for that."""
        try:
            yield
        except OSError as error:
            self._lose(error)

    def find(self, key: UploadKey) -> str | None:
        """Return the upload id that was noted for ``key``."""
        value = read_json(self.folder / key.file_name()).get("uploadId")
        return value if isinstance(value, str) else None

    def note(self, key: UploadKey, upload_id: str) -> bool:
        """Remember the upload until it is committed or given up; say whether that is done."""
        members = {
            "uploadId": upload_id,
            "server": key.server,
            "target": key.target,
            "source": _text(key.source),
        }
        try:
            write_private(self.folder / key.file_name(), json.dumps(members))
        except OSError as error:
            self._lose(error)
            return False
        return True

    def forget(self, key: UploadKey) -> None:
        """Drop what was noted."""
        self._remove(self.folder / key.file_name())

    def superseded(self, key: UploadKey) -> list[str]:
        """Return the uploads that were noted of the same file before it was changed."""
        same = {"server": key.server, "target": key.target, "source": _text(key.source)}
        return [
            str(noted.get("uploadId"))
            for path, noted in self._all()
            if path.name != key.file_name() and same.items() <= noted.items()
        ]

    def drop(self, server: str, upload_ids: Collection[str] | None = None) -> None:
        """Drop what was noted of these uploads of a server, or of all of them."""
        for path, noted in self._all():
            if noted.get("server") != server.rstrip("/"):
                continue
            if upload_ids is None or noted.get("uploadId") in upload_ids:
                self._remove(path)

    def _all(self) -> list[tuple[Path, Mapping[str, Any]]]:
        try:
            return [(path, read_json(path)) for path in self.folder.glob("*.json")]
        except OSError as error:
            self._lose(error)
            return []

    def _lose(self, error: OSError) -> None:
        self.lost = self.lost or error

    def _remove(self, path: Path) -> None:
        with self.losing():
            path.unlink(missing_ok=True)


def _text(path: str) -> str:
    """Return a path as JSON can hold it."""
    return path.encode("utf-8", "backslashreplace").decode()


def upload_states() -> UploadStates:
    """Return what this machine knows of open uploads."""
    return UploadStates(state_folder() / "uploads")


def read_json(path: Path) -> Mapping[str, Any]:
    """Return the object in a state file; a missing or damaged one is an empty one."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}

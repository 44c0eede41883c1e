"""Files that arrive: beside their target until they are right, and gone when they never will be."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bitvault.client.errors import Stopped
from bitvault.client.names import beside, naming

NOT_THROUGH_LINKS = getattr(os, "O_NOFOLLOW", 0)


class Drafts:
    """The drafts that no later run can go on with; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Path] = set()
        self._ended = False

    @contextmanager
    def replacing(self, target: Path) -> Iterator[int]:
        """Open a draft to write to; it becomes the target, unless the block fails.

        Raises:
            Stopped: ``end`` was called meanwhile.
        """
        draft = beside(target, ".bv-part")
        descriptor = self._begin(draft)
        try:
            try:
                yield descriptor
            finally:
                with naming(target):
                    os.close(descriptor)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        finally:
            with self._lock:
                self._open.discard(draft)

    def end(self) -> None:
        """Remove what is open, and let nothing begin: threads may still be at work on it."""
        with self._lock:
            self._ended = True
            for draft in self._open:
                draft.unlink(missing_ok=True)

    def _begin(self, draft: Path) -> int:
        with self._lock:
            if self._ended:
                raise Stopped
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NOT_THROUGH_LINKS
            descriptor = os.open(draft, flags, 0o666)
            self._open.add(draft)
            return descriptor


def forget_draft(target: Path) -> None:
    """Remove what an earlier run that was killed left beside a file that is right."""
    for suffix in (".bv-part", ".bv-part.json"):
        beside(target, suffix).unlink(missing_ok=True)

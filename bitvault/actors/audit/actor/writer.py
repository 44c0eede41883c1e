"""Writes the downloads that wait: a batch of one tenant's in each transaction.

Error handling: while the database is down they wait, and when too many do no more are handed out.
What cannot be written for another reason is tried row by row; a row that fails alone is counted as
lost, so that it does not hold up the others. The log says once that something is wrong, and once
that it is over. At a polite stop all are written; kill -9 loses those of the last second.
"""

from collections.abc import Sequence

import structlog
from attrs import define, field

from bitvault.actors.audit import store
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.store import DownloadRow
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.refusal import DependencyDown
from supervisors import Child, Turns

_AT_ONCE = 500
_LOG = structlog.get_logger("downloads")


@define(eq=False)
class DownloadWriter:
    """One serial loop over all tenants."""

    downloads: Downloads
    database: Database
    interval: float = 1.0
    """Seconds between two turns."""
    turns: Turns = field(factory=lambda: Turns("downloads"))
    _told: str = field(default="", init=False)
    """The kind of trouble that the log was told of last; empty: none, or that it is over."""

    async def run(self, child: Child) -> None:
        """Write until asked to stop, and then what is left."""
        child.statistics = self.downloads.statistics
        child.started()
        with self.turns.taken_by(child):
            while not child.stopping.is_set():
                await self.turns.rest(child, self.interval)
                await self.turn()
        if left := self.downloads.waiting:
            _LOG.error("downloads lost", number=left)

    async def turn(self) -> None:
        """Write all that waits, if the database answers."""
        written = self.downloads.written
        trouble: Exception | None = None
        with self.turns.turn() as turn:
            try:
                while self.downloads.waiting:
                    async with self.downloads.writing:
                        trouble = await self._settle(self.downloads.next_batch(_AT_ONCE)) or trouble
            except DependencyDown as down:
                trouble = down
            if trouble is not None:
                turn.fail(str(trouble))
            self._tell(trouble)
            turn.count("written", self.downloads.written - written)

    def _tell(self, trouble: Exception | None) -> None:
        kind = type(trouble).__name__ if trouble else ""
        if kind == self._told:
            return
        self._told = kind
        counts = {"waiting": self.downloads.waiting, "lost": self.downloads.lost}
        if trouble is None:
            _LOG.info("downloads are written again", **counts)
        elif isinstance(trouble, DependencyDown):
            _LOG.warning("downloads wait to be written", error=str(trouble), **counts)
        else:
            _LOG.error("downloads cannot be written", exc_info=trouble, **counts)

    async def _settle(self, rows: Sequence[DownloadRow]) -> Exception | None:
        """Write rows, all of them or one by one; return why some are lost."""
        try:
            if rows:
                await self._write(rows)
        except DependencyDown:
            raise
        except Exception as bug:  # noqa: BLE001 - of whatever kind, it must not hold up the others
            if len(rows) > 1:
                for row in rows:
                    await self._settle((row,))
            else:
                self.downloads.lost += 1
                self.downloads.done(rows)
            return bug
        return None

    async def _write(self, rows: Sequence[DownloadRow]) -> None:
        async def work(tx: Transaction) -> None:
            await store.insert_downloads(tx, rows)

        await self.database.transact(rows[0].tenant_id, work)
        self.downloads.written += len(rows)
        self.downloads.done(rows)

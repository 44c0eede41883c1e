"""Telling the store to delete: every step can be repeated, and a store that is down stops it."""

from collections.abc import Awaitable, Callable, Sequence

import trio
from attrs import frozen

from bitvault.actors.storage.store import Entry
from bitvault.drivers.objects.port import ObjectStore
from bitvault.kernel.ids import UploadId
from bitvault.kernel.refusal import DependencyDown


@frozen
class Remover:
    """Deletes what entries have in the store, ``parallel`` at a time."""

    objects: ObjectStore
    parallel: int

    async def delete(self, entries: Sequence[Entry]) -> frozenset[UploadId]:
        """Delete the objects and everything unfinished under their keys; answer what succeeded."""
        return await self._each(entries, self._delete)

    async def tidy(self, entries: Sequence[Entry]) -> frozenset[UploadId]:
        """Delete what lies beside kept objects; answer what succeeded.

        A crash may have left multipart uploads, and a late PUT bytes where a copy was sealed.
        """
        return await self._each(entries, self._tidy)

    async def _delete(self, entry: Entry) -> None:
        await self._abort(entry)
        await self.objects.delete(entry.key)
        if entry.sealed_key is not None:
            await self.objects.delete(entry.sealed_key)

    async def _tidy(self, entry: Entry) -> None:
        await self._abort(entry)
        if entry.sealed_key is not None:
            await self.objects.delete(entry.key)

    async def _abort(self, entry: Entry) -> None:
        """Abort the upload the ledger names, and any that a crash left unnamed.

        A key is in the ledger before an upload to it is opened, so each of them is found here.
        """
        if not entry.plan.part_count:
            return
        named = [] if entry.multipart_id is None else [entry.multipart_id]
        unnamed = await self.objects.list_multiparts(entry.key)
        for multipart_id in dict.fromkeys([*named, *unnamed]):
            await self.objects.abort_multipart(entry.key, multipart_id)

    async def _each(
        self, entries: Sequence[Entry], act: Callable[[Entry], Awaitable[None]]
    ) -> frozenset[UploadId]:
        """Act on each; after ``parallel`` failures the store counts as down, and the rest waits."""
        done: set[UploadId] = set()
        failed: list[UploadId] = []
        limit = trio.CapacityLimiter(self.parallel)

        async def one(entry: Entry) -> None:
            async with limit:
                if len(failed) >= self.parallel:
                    return
                try:
                    await act(entry)
                    done.add(entry.upload_id)
                except DependencyDown:
                    failed.append(entry.upload_id)

        async with trio.open_nursery() as nursery:
            for entry in entries:
                nursery.start_soon(one, entry)
        return frozenset(done)

"""Where the bytes of files are: authorised here, signed by storage."""

from collections.abc import Sequence

from attrs import define, frozen

from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    Content,
    ContentDraft,
    GetContents,
    KindMismatch,
    VersionNotFound,
)
from bitvault.actors.files.rules.cursors import LAST_VERSION
from bitvault.actors.files.rules.drafts import check_batch
from bitvault.actors.files.store.locate import Wanted, locate
from bitvault.actors.files.store.places import Place, present
from bitvault.actors.room import ask_below
from bitvault.actors.storage.contract import DownloadDraft, SignDownloads, Transfer
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Invalid, Refusal, Refused, Unavailable
from supervisors import Ref, handles

SQL = load_queries("bitvault.actors.files.store", "reading.sql")


@frozen
class _Source:
    """A version that was found, with the object that holds it."""

    place: Place
    row: Row


@define(eq=False)
class Contents:
    """Downloads, many at once."""

    transactions: FilesTransactions
    storage: Ref

    @handles(GetContents)
    async def contents(self, message: GetContents) -> tuple[Content | Refusal, ...] | Unavailable:
        """Authorise, find the objects, and have storage sign all of them at once."""
        check_batch(len(message.drafts))
        caller = message.caller
        if caller.principal.is_guest and any(one.version is not None for one in message.drafts):
            # What was taken out of a file was not shared.
            raise Refused(Invalid("version", "is not for guests"))
        found = await self.transactions.read(
            caller, lambda tx: _sources(tx, caller, message.drafts)
        )
        pairs = list(zip(found, message.drafts, strict=True))
        downloads = tuple(_download(one, draft) for one, draft in pairs if isinstance(one, _Source))
        if not downloads:
            return tuple(one for one in found if isinstance(one, Refusal))
        signed = await ask_below(
            self.storage, SignDownloads(caller.tenant_id, downloads), "storage"
        )
        if isinstance(signed, Unavailable):
            return signed
        transfers = iter(signed)
        return tuple(
            _content(one, next(transfers)) if isinstance(one, _Source) else one for one in found
        )


async def _sources(
    tx: Transaction, caller: Caller, drafts: Sequence[ContentDraft]
) -> list[_Source | Refusal]:
    places = await locate(tx, caller, [Wanted(draft.target) for draft in drafts])
    checked = [_file(place, draft) for place, draft in zip(places, drafts, strict=True)]
    asked = [
        (i, one.node_id, draft.version or one.node["version"])
        for i, (one, draft) in enumerate(zip(checked, drafts, strict=True))
        if isinstance(one, Place)
    ]
    rows = await tx.fetch(
        SQL["contents"],
        tenant=caller.tenant_id,
        ords=[i for i, _, _ in asked],
        nodes=[node_id for _, node_id, _ in asked],
        versions=[version for _, _, version in asked],
    )
    by_ord = {row["ord"]: row for row in rows}
    return [
        _source(one, by_ord.get(i), draft)
        for i, (one, draft) in enumerate(zip(checked, drafts, strict=True))
    ]


def _file(place: Place | Refusal, draft: ContentDraft) -> Place | Refusal:
    try:
        found = present(place, draft.target.path or str(draft.target.node_id))
    except Refused as refused:
        return refused.refusal
    if found.node["kind"] != "file":
        return KindMismatch(found.path, "file")
    if draft.version is not None and not 0 < draft.version <= LAST_VERSION:
        return VersionNotFound(draft.version)
    return found


def _source(one: Place | Refusal, row: Row | None, draft: ContentDraft) -> _Source | Refusal:
    if isinstance(one, Refusal):
        return one
    return _Source(one, row) if row else VersionNotFound(draft.version or one.node["version"])


def _download(one: _Source, draft: ContentDraft) -> DownloadDraft:
    row = one.row
    return DownloadDraft(
        row["object_key"], one.place.node["name"], row["content_type"], draft.inline
    )


def _content(one: _Source, transfer: Transfer) -> Content:
    return Content(
        node=one.place.described(),
        version=one.row["version"],
        size=one.row["size"],
        hash=one.row["hash"],
        method=transfer.method,
        url=transfer.url,
        headers=transfer.headers,
        expires_at=transfer.expires_at,
    )

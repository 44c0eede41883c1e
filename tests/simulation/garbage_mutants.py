"""Mistakes in collecting: what is needed goes, or what nobody needs stays (I1, I15b, I15c)."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from bitvault.actors.files.actor import collecting as desk
from bitvault.actors.files.contract import ObjectInDoubt
from bitvault.actors.files.store import collecting, contents, purging
from bitvault.actors.storage import store as ledger
from bitvault.actors.storage.actor.removal import Remover
from tests.simulation.draws import sweep
from tests.simulation.making import Mutant, replaced, rewritten


def _blob_before_upload(stack: ExitStack) -> None:
    async def judge(tx: Any, tenant: UUID, objects: Sequence[ObjectInDoubt]) -> Any:
        rows = await tx.fetch(
            collecting.SQL["named_among"],
            tenant=tenant,
            hashes=[one.hash for one in objects if one.key],
            object_keys=[one.key for one in objects if one.key],
        )
        named = {row["object_key"] for row in rows}
        ids = [one.upload_id for one in objects]
        rows = await tx.fetch(collecting.SQL["open_among"], tenant=tenant, upload_ids=ids)
        waiting = {row["upload_id"] for row in rows}
        return tuple(collecting._verdict(one, waiting, named) for one in objects)

    stack.enter_context(replaced(desk, "judge", judge))


def _condemned_key_kept(stack: ExitStack) -> None:
    old = "CASE WHEN b.state = 'live' THEN b.object_key ELSE excluded.object_key END"
    stack.enter_context(rewritten(contents.SQL, "take_blobs", old, "b.object_key"))


def _open_uploads_forgotten(stack: ExitStack) -> None:
    stack.enter_context(rewritten(collecting.SQL, "open_among", "u.state = 'open'", "false"))


def _named_keys_forgotten(stack: ExitStack) -> None:
    old, new = "WHERE tenant_id", "WHERE false AND tenant_id"
    stack.enter_context(rewritten(collecting.SQL, "named_among", old, new))


def _no_second_look(stack: ExitStack) -> None:
    states = "('scratch', 'garbage', 'gone')"
    stack.enter_context(
        rewritten(ledger._QUERIES, "leaving_objects", states, "('scratch', 'garbage')")
    )


def _never_condemned(stack: ExitStack) -> None:
    stack.enter_context(rewritten(collecting.SQL, "idle_blobs", "= 'live'", "= 'unused'"))


def _never_handed_over(stack: ExitStack) -> None:
    old, new = "WHERE tenant_id", "WHERE false AND tenant_id"
    stack.enter_context(rewritten(collecting.SQL, "drop_condemned", old, new))


def _purge_left_alone(stack: ExitStack) -> None:
    old, new = "FROM files.purge", "FROM files.purge WHERE false"
    stack.enter_context(rewritten(purging.SQL, "purging_tenants", old, new))


def _deletion_believed(stack: ExitStack) -> None:
    async def delete(_: Remover, _entry: Any) -> None: ...

    stack.enter_context(replaced(Remover, "_delete", delete))


def _parts_left(stack: ExitStack) -> None:
    async def abort(_: Remover, _entry: Any) -> None: ...

    stack.enter_context(replaced(Remover, "_abort", abort))


GARBAGE: Sequence[Mutant] = (
    Mutant("blob looked at before its upload", "I15b", _blob_before_upload, draw=sweep),
    Mutant("condemned blob used with its old key", "I15b", _condemned_key_kept, draw=sweep),
    Mutant("open uploads not asked about", "I1 ", _open_uploads_forgotten, draw=sweep),
    Mutant("named keys not asked about", "I15b", _named_keys_forgotten, draw=sweep),
    Mutant("unused content never condemned", "I15c content", _never_condemned, draw=sweep),
    Mutant("condemned keys never let go", "I15c a key", _never_handed_over, draw=sweep),
    Mutant("deleted objects not looked at again", "I15c an object", _no_second_look, draw=sweep),
    Mutant("deletion recorded and not made", "I15c the store keeps blobs", _deletion_believed),
    Mutant("parts of an upload left", "I15c the store keeps the upload", _parts_left),
    Mutant("purge left alone", "liveness: I15c", _purge_left_alone, draw=sweep),
)

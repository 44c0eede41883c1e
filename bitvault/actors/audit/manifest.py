"""Audit, for those who run it."""

from collections.abc import Sequence

from bitvault.actors.audit.actor import Audit
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.actor.writer import DownloadWriter
from bitvault.actors.audit.consumer import AuditSink
from bitvault.kernel.erasure import Phase
from bitvault.kernel.export import ExportKind
from bitvault.manifest import Context, JobSpec, Manifest
from supervisors import Child, ChildSpec


def _make(here: Context[None]) -> Audit:
    wiring = here.wiring
    downloads = wiring.kept(Downloads)
    return Audit(wiring.database, downloads, here.ref("sharing"), wiring.clock, wiring.ids)


def _workers(here: Context[None]) -> Sequence[ChildSpec]:
    wiring = here.wiring

    async def downloads(child: Child) -> None:
        waiting, turns = wiring.kept(Downloads), wiring.board.turns("downloads")
        await DownloadWriter(waiting, wiring.database, turns=turns).run(child)

    return [ChildSpec("downloads", downloads)]


AUDIT = Manifest(
    package=__package__,
    actor=Audit,
    make=_make,
    consumers={"audit": lambda here: AuditSink(here.events)},
    workers=_workers,
    jobs=(
        JobSpec("audit", "writes the audit trail from the events"),
        JobSpec("downloads", "writes who downloaded what into the audit trail"),
    ),
    erasure=Phase.READERS,
    exports=(ExportKind("audit_entry", (int,)), ExportKind("download")),
)

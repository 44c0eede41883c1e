"""The toys, for those who run them."""

from collections.abc import Sequence

from bitvault.kernel.erasure import Phase
from bitvault.kernel.export import ExportKind
from bitvault.manifest import Context, JobSpec, Manifest
from supervisors import Child, ChildSpec
from tests.architecture.toyhouse.toy.actor import Toys
from tests.architecture.toyhouse.toy.consumer import ToyNotes
from tests.architecture.toyhouse.toy.contract import BreakToys


def _make(here: Context[None]) -> Toys:
    return Toys(here.wiring.database, here.wiring.outbox, here.wiring.ids)


def _workers(here: Context[None]) -> Sequence[ChildSpec]:
    turns = here.wiring.board.turns("wind-toys")

    async def winder(child: Child) -> None:
        child.started()
        with turns.taken_by(child):
            while not child.stopping.is_set():
                with turns.turn() as turn:
                    turn.count("toys_wound", 1)
                await turns.rest(child, 3600)

    return [ChildSpec("toy-winder", winder)]


TOY = Manifest(
    package=__package__,
    actor=Toys,
    make=_make,
    consumers={"toy-notes": lambda _: ToyNotes()},
    workers=_workers,
    jobs=(
        JobSpec("toy-notes", "notes which toys there are"),
        JobSpec("wind-toys", "winds the toys"),
        JobSpec("break-toys", "breaks toys that were noted", BreakToys(10), "toys_broken"),
    ),
    erasure=Phase.WRITERS,
    exports=(ExportKind("toy"),),
)

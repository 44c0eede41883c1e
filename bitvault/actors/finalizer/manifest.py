"""The finalizer, for those who run it."""

from collections.abc import Sequence
from functools import partial

from bitvault.actors.finalizer.actor import Finalizer, finalizer_child, sweeps_of
from bitvault.actors.finalizer.actor.leaving import Leaving, phases_of
from bitvault.kernel.settings import Settings
from bitvault.manifest import Context, JobSpec, Manifest
from supervisors import ChildSpec

_LEASE = 30.0
"""Seconds; longer where turns are further apart, since each renews it."""


def _options(settings: Settings) -> float:
    """Return the seconds between two turns."""
    return settings.garbage.interval


def _workers(here: Context[float]) -> Sequence[ChildSpec]:
    finalizer = Finalizer(
        here.ref("files"),
        here.ref("storage"),
        here.wiring.clock,
        here.options,
        leaving=Leaving(here.ref("identity"), phases_of(here.manifests, here.ref)),
        sweeps=sweeps_of(here.manifests, here.ref),
        board=here.wiring.board,
        lease=partial(here.wiring.lease, "finalizer", max(_LEASE, 3 * here.options)),
    )
    return [finalizer_child(finalizer)]


FINALIZER = Manifest(
    package=__package__,
    options=_options,
    workers=_workers,
    jobs=(
        JobSpec("erase-tenants", "erases tenants that left, when their time has come"),
        JobSpec("judge", "asks whether anybody needs what nobody claimed"),
    ),
)

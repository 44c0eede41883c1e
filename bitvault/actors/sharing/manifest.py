"""Sharing, for those who run it."""

from bitvault.actors.sharing.actor import Sharing
from bitvault.actors.sharing.consumer import GrantSweeper
from bitvault.actors.sharing.contract import ForgetLost
from bitvault.actors.sharing.store.grants import NewRestrictions
from bitvault.kernel.erasure import Phase
from bitvault.kernel.export import ExportKind
from bitvault.manifest import Context, JobSpec, Manifest


def _make(here: Context[None]) -> Sharing:
    wiring = here.wiring
    return Sharing(
        wiring.database,
        wiring.outbox,
        here.ref("files"),
        here.ref("identity"),
        wiring.clock,
        wiring.ids,
        wiring.passwords,
        wiring.limits,
    )


SHARING = Manifest(
    package=__package__,
    actor=Sharing,
    make=_make,
    consumers={"sharing": lambda _: GrantSweeper()},
    jobs=(
        JobSpec("sharing", "forgets grants and links on what was purged"),
        JobSpec(
            "forget-shares",
            "forgets grants and links on nodes that went with a folder",
            ForgetLost(1000),
            "shares_forgotten",
        ),
    ),
    erasure=Phase.WRITERS,
    exports=(ExportKind("grant", (str, str)), ExportKind("link")),
    provides={"restrict": lambda wiring: NewRestrictions(wiring.ids)},
)

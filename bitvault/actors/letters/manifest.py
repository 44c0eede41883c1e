"""Dead letters, for those who run it."""

from bitvault.actors.letters.actor import Letters
from bitvault.kernel.erasure import Phase
from bitvault.manifest import Context, JobSpec, Manifest
from bitvault.outbox import RELAY


def _make(here: Context[None]) -> Letters:
    consumers = {
        name: make(here.of(one)) for one in here.manifests for name, make in one.consumers.items()
    }
    return Letters(here.wiring.database, consumers, here.wiring.clock)


LETTERS = Manifest(
    package=__package__,
    actor=Letters,
    make=_make,
    jobs=(JobSpec(RELAY, "tells the consumers of new events"),),
    erasure=Phase.READERS,
)

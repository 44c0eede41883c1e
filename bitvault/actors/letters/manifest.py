"""Dead letters, for those who run it."""

from datetime import timedelta

from bitvault.actors.letters.actor import Letters
from bitvault.actors.letters.contract import PruneEvents
from bitvault.kernel.erasure import Phase
from bitvault.kernel.settings import Settings
from bitvault.manifest import Context, JobSpec, Manifest
from bitvault.outbox import RELAY


def _options(settings: Settings) -> timedelta:
    """Return how long events are kept."""
    return timedelta(seconds=settings.events.keep)


def _make(here: Context[timedelta]) -> Letters:
    consumers = {
        name: make(here.of(one)) for one in here.manifests for name, make in one.consumers.items()
    }
    return Letters(here.wiring.database, consumers, here.wiring.clock, here.options)


LETTERS = Manifest(
    package=__package__,
    actor=Letters,
    make=_make,
    options=_options,
    jobs=(
        JobSpec(RELAY, "tells the consumers of new events"),
        JobSpec(
            "prune-events",
            "deletes events that are old and that all consumers have passed",
            PruneEvents(1000),
            "events_deleted",
        ),
    ),
    erasure=Phase.READERS,
)

"""Storage, for those who run it."""

from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.actors.storage.contract import RetryDiscards
from bitvault.kernel.erasure import Phase
from bitvault.kernel.settings import Settings
from bitvault.manifest import Context, JobSpec, Manifest


def _options(settings: Settings) -> StorageOptions:
    transfers = settings.transfers
    return StorageOptions(
        put_ttl=transfers.put_ttl,
        part_ttl=transfers.part_ttl,
        get_ttl=transfers.get_ttl,
        upload_ttl=transfers.upload_ttl,
        grace=settings.garbage.grace,
    )


def _make(here: Context[StorageOptions]) -> Storage:
    wiring = here.wiring
    return Storage(
        database=wiring.database,
        objects=wiring.objects,
        outbox=wiring.outbox,
        clock=wiring.clock,
        ids=wiring.ids,
        options=here.options,
    )


STORAGE = Manifest(
    package=__package__,
    actor=Storage,
    make=_make,
    options=_options,
    jobs=(
        JobSpec(
            "delete-again",
            "deletes what the object store could not delete",
            RetryDiscards(500),
            "deletions_repeated",
        ),
    ),
    erasure=Phase.WRITERS,
)

"""What is set for the service."""

from datetime import timedelta

from attrs import frozen

from bitvault.actors.storage import rules
from bitvault.actors.storage.actor.ledger import Patience


@frozen
class StorageOptions:
    """How long presigned requests live, in seconds; where single PUTs end, in bytes.

    The two sizes decide the form of a content hash, so no setting changes them; tests make them
    small.
    """

    put_ttl: float = 3600.0
    part_ttl: float = 900.0
    get_ttl: float = 300.0
    single_max: int = rules.SINGLE_MAX
    min_part: int = rules.MIN_PART
    parallel: int = 16
    """Requests to the store at a time, for one message."""
    upload_ttl: float = 7 * 86_400.0
    grace: float = 86_400.0
    """How long what nobody claims is kept; longer than any presigned request lives."""
    retry: float = 300.0
    """Between two tries to delete what the store did not."""

    @property
    def patience(self) -> Patience:
        """Return when the collector looks at what."""
        return Patience(
            unfinished=timedelta(seconds=self.upload_ttl),
            grace=timedelta(seconds=self.grace),
            retry=timedelta(seconds=self.retry),
        )

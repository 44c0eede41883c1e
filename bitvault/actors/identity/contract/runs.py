"""What operators have the daemon do by hand is in their own trail."""

from typing import ClassVar
from uuid import UUID

from attrs import frozen

from bitvault.kernel.events import Event
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict
from bitvault.kernel.request import Request


@frozen
class JobStarted(Event):
    """An operator had a background job take a turn; the aggregate is the job."""

    kind: ClassVar[str] = "job.started"
    name: str


@frozen
class RecordRun(Request[bool, IdempotencyConflict | Forbidden]):
    """Record that an operator has a job run; False: it is recorded under the Idempotency-Key.

    Asked by the room of jobs, before it does anything.
    """

    caller: Caller
    job_id: UUID
    name: str

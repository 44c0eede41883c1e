"""One request on its way through the edge, and what handlers answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs
import msgspec
from werkzeug.datastructures import Headers

from bitvault.http import problems
from bitvault.http.capacity import Capacity
from bitvault.http.throttle import Throttle
from bitvault.kernel.clock import Clock
from bitvault.kernel.export import Exported, ExportKind, ExportRecords
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from bitvault.kernel.request import Request
from bitvault.wire.problems import Outcome, Outcomes
from supervisors import Ref

B_co = TypeVar("B_co", covariant=True)
Q_co = TypeVar("Q_co", covariant=True)
R = TypeVar("R")
F = TypeVar("F")
T = TypeVar("T")


@attrs.frozen
class Services:
    """The services this edge asks."""

    by_request: Mapping[type, Ref]
    exports: Mapping[ExportKind, Ref]
    """Which service has the records of a kind, in the order in which they are told."""

    async def ask(self, request: Request[R, Any]) -> R:
        """Ask the service whose contract has the request.

        Raises:
            Refused: it said no.
        """
        reply: Any = await self.by_request[type(request)].ask(request)
        if isinstance(reply, Refusal):
            raise Refused(reply)
        answer: R = reply
        return answer

    async def answer(self, request: Request[R, F]) -> R | F | Unavailable:
        """Ask, where a refusal is looked at and not passed on."""
        return await self.by_request[type(request)].ask(request)

    async def export(self, kind: ExportKind, request: ExportRecords) -> Exported:
        """Ask for a slice of the records of a kind.

        Raises:
            Refused: the service said no.
        """
        reply = await self.exports[kind].ask(request)
        if isinstance(reply, Refusal):
            raise Refused(reply)
        return reply

    def tell(self, request: object) -> None:
        """Have a request done, without its answer."""
        self.by_request[type(request)].tell(request)


@attrs.frozen
class Reserve:
    """Room on the disk of what runs embedded, kept for what is under way and for removing things.

    A database that runs out of it crashes, and cannot start again: so writing ends before that.
    """

    free: Callable[[], int]
    """Bytes, now."""
    keep: int = 0
    """Bytes; 0: no watch is kept."""
    holds_objects: bool = False
    """Whether the bytes of uploads go to the same disk."""

    @property
    def is_touched(self) -> bool:
        """Say whether less is free than is to be kept."""
        return bool(self.keep) and self.free() < self.keep

    def holds(self, size: int) -> bool:
        """Say whether an upload of so many bytes leaves the reserve alone."""
        return not (self.keep and self.holds_objects) or self.free() - size >= self.keep


@attrs.frozen
class Edge:
    """What handlers may use."""

    services: Services
    clock: Clock
    ids: Ids
    reserve: Reserve
    throttle: Throttle
    capacity: Capacity


@attrs.frozen
class Call(Generic[B_co, Q_co]):
    """A decoded request; ``caller`` is there unless the endpoint is open to all."""

    edge: Edge
    origin: Origin
    path: Mapping[str, Any]
    query: Q_co
    body: B_co
    headers: Headers
    _caller: Caller | None = None

    @property
    def caller(self) -> Caller:
        """Return who asks."""
        if self._caller is None:
            raise RuntimeError("an endpoint that is open to all has no caller")
        return self._caller

    async def ask(self, request: Request[R, Any]) -> R:
        """Ask the service whose contract has the request.

        Raises:
            Refused: it said no, which the edge answers.
        """
        return await self.edge.services.ask(request)

    async def answer(self, request: Request[R, F]) -> R | F | Unavailable:
        """Ask, where a refusal is looked at and not passed on."""
        return await self.edge.services.answer(request)

    def need_room(self, size: int) -> None:
        """Refuse an upload that the disk cannot hold.

        Raises:
            Rejected: ``disk_full``.
        """
        if not self.edge.reserve.holds(size):
            raise problems.disk_full()

    def outcome(self, status: int, result: T | Refusal) -> Outcome[T]:
        """Build one item of a batch's answer."""
        if isinstance(result, Refusal):
            members = problems.of_refusal(result, self.origin.request_id)
            return Outcome(status=members["status"], problem=members)
        return Outcome(status=status, result=result)

    def outcomes(self, results: Iterable[R | Refusal], show: Callable[[R], T]) -> Outcomes[T]:
        """Build a batch's answer; each result is shown or refused by itself."""
        shown = (one if isinstance(one, Refusal) else show(one) for one in results)
        return Outcomes(items=tuple(self.outcome(200, one) for one in shown))


def only(outcomes: Sequence[R | Refusal]) -> R:
    """Return the outcome of a batch of one.

    Raises:
        Refused: it was refused.
    """
    [outcome] = outcomes
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


@attrs.frozen
class Reply:
    """An answer: a shape to encode (None: no body), its status and headers."""

    status: int
    shape: msgspec.Struct | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)

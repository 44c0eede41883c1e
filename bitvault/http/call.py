"""One request on its way through the edge, and what handlers answer."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs
import msgspec
from werkzeug.datastructures import Headers

from bitvault.edge.capacity import Capacity
from bitvault.edge.disk import DiskReserve
from bitvault.edge.rejections import disk_full
from bitvault.edge.services import Services
from bitvault.edge.throttle import Throttle
from bitvault.http import problems
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Refusal, Unavailable
from bitvault.kernel.request import Request
from bitvault.wire.problems import Outcome, Outcomes

B_co = TypeVar("B_co", covariant=True)
Q_co = TypeVar("Q_co", covariant=True)
R = TypeVar("R")
F = TypeVar("F")
T = TypeVar("T")


@attrs.frozen
class Edge:
    """What handlers may use."""

    services: Services
    clock: Clock
    ids: Ids
    reserve: DiskReserve
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
            raise disk_full()

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


@attrs.frozen
class Reply:
    """An answer: a shape to encode (None: no body), its status and headers."""

    status: int
    shape: msgspec.Struct | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)

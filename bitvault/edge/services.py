"""The services that an edge asks."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs

from bitvault.kernel.export import Exported, ExportKind, ExportRecords
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from bitvault.kernel.request import Request
from supervisors import Ref

R = TypeVar("R")
F = TypeVar("F")


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
        answer: R = accepted(reply)
        return answer

    async def answer(self, request: Request[R, F]) -> R | F | Unavailable:
        """Ask, where a refusal is looked at and not passed on."""
        return await self.by_request[type(request)].ask(request)

    async def export(self, kind: ExportKind, request: ExportRecords) -> Exported:
        """Ask for a slice of the records of a kind.

        Raises:
            Refused: the service said no.
        """
        reply: Any = await self.exports[kind].ask(request)
        answer: Exported = accepted(reply)
        return answer

    def tell(self, request: object) -> None:
        """Have a request done, without its answer."""
        self.by_request[type(request)].tell(request)


def only(outcomes: Sequence[R | Refusal]) -> R:
    """Return the outcome of a batch of one.

    Raises:
        Refused: it was refused.
    """
    [outcome] = outcomes
    return accepted(outcome)


def accepted(outcome: R | Refusal) -> R:
    """Return what was done.

    Raises:
        Refused: it was refused.
    """
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome

"""What every room's actor has in common: a declared "no" is a reply, not a crash (ADR-0004)."""

from collections.abc import Mapping
from typing import Any, TypeVar

import structlog

from bitvault.drivers.postgres.port import Database, Query, Transaction, erase_rows, keyset
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.principal import operator_of
from bitvault.kernel.refusal import (
    DependencyDown,
    Failed,
    Refusal,
    Refused,
    Unavailable,
)
from bitvault.kernel.request import Request, refusals_of
from bitvault.kernel.tracing import cause
from supervisors import Actor, ActorDied, AskTimeout, MailboxFull, Ref

R = TypeVar("R")
F = TypeVar("F")


async def ask_below(room: Ref, request: Request[R, F], name: str) -> R | F | Unavailable:
    """Ask a room; one that is overloaded or restarting is a dependency like any other."""
    try:
        reply = await room.ask(request)
    except (ActorDied, AskTimeout, MailboxFull):
        return Unavailable(name)
    return Unavailable(name) if isinstance(reply, Failed) else reply


async def erase_schema(database: Database, schema: str, request: EraseTenant) -> Erased:
    """Delete a slice of what a tenant that is leaving has in a room's own schema."""

    async def work(tx: Transaction) -> int:
        return await erase_rows(tx, schema, request.limit)

    gone = await database.transact(request.tenant_id, work)
    return Erased(gone, gone < request.limit)


async def export_slice(
    database: Database, query: Query, keys: Mapping[str, Any], request: ExportRecords
) -> Exported:
    """Tell an operator a slice of what ``query`` lists by ``keys`` of a tenant (see ``keyset``).

    Raises:
        Refused: ``Forbidden``.
    """
    operator_of(request.caller)

    async def work(tx: Transaction) -> Exported:
        tenant_id, after = request.tenant_id, request.after
        records, last = await keyset(tx, query, tenant_id, keys, after, request.limit)
        return Exported(tuple(records), last)

    return await database.read(request.tenant_id, work)


class Room(Actor):
    """An actor whose handlers may raise ``Refused``, and whose bugs are one request's each.

    A room rolls a transaction back by raising ``Refused(refusal)`` out of its work; the asker
    gets the refusal. ``DependencyDown`` becomes ``Unavailable``: a retry with the same
    Idempotency-Key is safe even when the effect did happen. Anything else is a bug, of one request:
    it is logged, the asker gets ``Failed``, and those of others go on (ADR-0004).
    """

    async def handle(self, message: Any) -> Any:
        """Answer one message with its handler's reply, or with the refusal it raised."""
        try:
            return _declared(message, await super().handle(message))
        except Refused as refused:
            return _declared(message, refused.refusal)
        except DependencyDown as down:
            return Unavailable(down.dependency)
        except Exception as bug:  # noqa: BLE001 - whatever it is, it is one request's (ADR-0004)
            _log(message, bug)
            return Failed()


def _declared(message: Any, reply: Any) -> Any:
    """Log a refusal that the request does not declare: the asker did not reckon with it."""
    if isinstance(reply, Refusal) and not isinstance(reply, refusals_of(message.__class__)):
        structlog.get_logger("room").error(
            "undeclared refusal", request=type(message).__name__, code=reply.code
        )
    return reply


def _log(message: Any, bug: Exception) -> None:
    caller = getattr(message, "caller", None)
    origin = caller.origin if caller is not None else getattr(message, "origin", None)
    structlog.get_logger("room").error(
        "request failed",
        request=type(message).__name__,
        requestId=origin.request_id if origin is not None else cause.get().request_id,
        exc_info=bug,
    )

"""Asking a room that may not be able to answer now."""

from typing import Any, TypeVar

from bitvault.kernel.refusal import Failed, Unavailable
from bitvault.kernel.request import Request
from supervisors import ActorDied, AskTimeout, MailboxFull, Ref

R = TypeVar("R")


class Postponed(Exception):  # noqa: N818 - a state of the world
    """A room cannot do it now; the message says why."""


async def ask(ref: Ref, request: Request[R, Any]) -> R:
    """Ask.

    Raises:
        Postponed: the room does not answer, or what it needs is down.
    """
    try:
        reply = await ref.ask(request)
    except (ActorDied, AskTimeout, MailboxFull) as error:
        raise Postponed(str(error)) from error
    if isinstance(reply, Failed):
        raise Postponed(reply.detail)
    if isinstance(reply, Unavailable):
        raise Postponed(f"{reply.dependency} does not answer")
    answer: R = reply
    return answer

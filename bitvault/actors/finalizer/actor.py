"""Asks the files room, now and then, to expire uploads past their lifetime."""

import structlog
import trio
from attrs import frozen

from bitvault.actors.files.contract import ExpireUploads
from bitvault.kernel.refusal import Unavailable
from supervisors import ActorDied, AskTimeout, Child, ChildSpec, MailboxFull, Ref

_SLICE = 100


@frozen(eq=False)
class Finalizer:
    """One serial loop. A room that does not answer now is asked again at the next turn."""

    files: Ref
    interval: float
    """Seconds between two looks."""

    async def run(self, child: Child) -> None:
        """Look until asked to stop."""
        child.started()
        while not child.stopping.is_set():
            await self._expire()
            with trio.move_on_after(self.interval):
                await child.stopping.wait()

    async def _expire(self) -> None:
        log = structlog.get_logger("finalizer")
        try:
            ended = _SLICE
            while ended == _SLICE:
                reply = await self.files.ask(ExpireUploads(_SLICE))
                if isinstance(reply, Unavailable):
                    log.warning("uploads not looked at", error=reply.detail)
                    return
                ended = reply
                if ended:
                    log.info("uploads expired", count=ended)
        except (ActorDied, AskTimeout, MailboxFull) as error:
            log.warning("uploads not looked at", error=str(error))


def finalizer_child(finalizer: Finalizer) -> ChildSpec:
    """Describe the finalizer as a child."""
    return ChildSpec("finalizer", finalizer.run)

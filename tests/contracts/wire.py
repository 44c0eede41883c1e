"""A transport in memory: bytes go to another process's registry, and only bytes."""

import contextvars

import trio
from attrs import define, field

from bitvault.kernel.refusal import DependencyDown
from bitvault.remote import Answering


@define(eq=False)
class Wire:
    """Carries bytes to where they are handled in a context of its own, as in another process."""

    nursery: trio.Nursery
    answering: Answering | None = None
    seconds: float = 0.0
    """How long a request is under way."""
    is_cut: bool = False
    carried: list[bytes] = field(factory=list)

    async def carry(self, service: str, asked: bytes) -> bytes:
        """Bring it there."""
        self.carried.append(asked)
        if self.is_cut or self.answering is None:
            raise DependencyDown(service, "the wire is cut")
        await trio.sleep(self.seconds)
        answering, (send, receive) = self.answering, trio.open_memory_channel[bytes](1)

        async def serve() -> None:
            await send.send(await answering.answer(asked))

        contextvars.Context().run(self.nursery.start_soon, serve)
        return await receive.receive()

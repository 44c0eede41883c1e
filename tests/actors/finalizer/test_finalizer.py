"""The finalizer's timer, in virtual time, against a room that answers by contract."""

import trio
from attrs import define, field
from trio.testing import MockClock

from bitvault.actors.files.contract import ExpireUploads
from bitvault.actors.finalizer.actor import Finalizer, finalizer_child
from bitvault.kernel.refusal import Unavailable
from supervisors import Actor, Flags, Registry, actor, handles, run_tree, supervisor


@define(eq=False)
class FilesStandIn(Actor):
    """Answers with what it was given, and tells when it was asked."""

    replies: list[int | Unavailable]
    asked_at: list[float] = field(factory=list)
    done: trio.Event = field(factory=trio.Event)

    @handles(ExpireUploads)
    async def expire(self, request: ExpireUploads) -> int | Unavailable:
        """Answer the next reply."""
        await trio.lowlevel.checkpoint()
        self.asked_at.append(trio.current_time())
        reply = self.replies.pop(0)
        if not self.replies:
            self.done.set()
        return reply


async def test_it_looks_on_time_goes_on_while_there_is_more_and_survives_an_outage(
    autojump_clock: MockClock,
) -> None:
    """A full slice is followed at once by the next; a refusal waits for the next turn."""
    files, registry, stop = (
        FilesStandIn([100, 7, Unavailable("PostgreSQL"), 0]),
        Registry(),
        trio.Event(),
    )
    timer = Finalizer(registry.ref("files"), interval=60)
    children = [actor("files", lambda: files, registry=registry), finalizer_child(timer)]

    async with trio.open_nursery() as nursery:
        tree = supervisor("root", Flags(), children)
        nursery.start_soon(lambda: run_tree(tree, stop=stop))
        await files.done.wait()
        stop.set()

    start = files.asked_at[0]
    assert [round(at - start) for at in files.asked_at] == [0, 0, 60, 120]

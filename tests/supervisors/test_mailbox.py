"""Overload is refused, and order is kept: as many at a time as the actor was told."""

from typing import Any

import pytest

from supervisors import (
    Flags,
    MailboxFull,
)
from tests.supervisors.desk import Double, Scene, Wait, settle


async def test_overload_is_refused(run: Any, scene: Scene, autojump_clock: object) -> None:
    """What does not fit into the mailbox is refused and counted."""
    async with run(Flags(), [scene.spec(concurrency=2, capacity=3)]) as stage:
        for _ in range(5):
            scene.desk.tell(Wait())
            await settle()
        with pytest.raises(MailboxFull):
            scene.desk.tell(Double(1))
        with pytest.raises(MailboxFull):
            await scene.desk.ask(Double(1))
        statistics = stage.child("desk").statistics
        assert (statistics.running, statistics.mailbox.queued) == (2, 3)
        assert (statistics.mailbox.accepted, statistics.mailbox.refused) == (5, 2)
        scene.gate.set()


async def test_overload_of_one_key_is_refused(
    run: Any, scene: Scene, autojump_clock: object
) -> None:
    """Requests of a busy key wait in the mailbox, within its bound."""
    spec = scene.spec(capacity=4, serial_by=lambda _request: "hot")
    async with run(Flags(), [spec]):
        for _ in range(5):
            scene.desk.tell(Wait())
            await settle()
        with pytest.raises(MailboxFull):
            scene.desk.tell(Wait())
        scene.gate.set()


async def test_n_at_a_time(run: Any, scene: Scene, autojump_clock: object) -> None:
    """`concurrency` handlers run at a time, one more does not."""
    async with run(Flags(), [scene.spec(concurrency=3)]):
        for number in range(4):
            scene.desk.tell(Wait(number=number))
        await settle()
        assert sorted(scene.log) == ["+0", "+1", "+2"]
        scene.gate.set()


async def test_serial(run: Any, scene: Scene, autojump_clock: object) -> None:
    """With a concurrency of 1 requests are handled in order, one after the other."""
    scene.gate.set()
    async with run(Flags(), [scene.spec(concurrency=1)]):
        for number in range(20):
            scene.desk.tell(Wait(number=number))

    assert scene.log == [f"{s}{n}" for n in range(20) for s in "+-"] + ["on_stop"]


async def test_serial_per_key(run: Any, scene: Scene, autojump_clock: object) -> None:
    """Requests of one key keep their order; a busy key does not hold up another."""
    async with run(Flags(), [scene.spec(serial_by=lambda request: request.key)]):
        for number in range(5):
            for key in "ab":
                scene.desk.tell(Wait(key, number))
        await settle()
        assert sorted(scene.log) == ["+a0", "+b0"]
        scene.gate.set()

    for key in "ab":
        mine = [entry for entry in scene.log if key in entry]
        assert mine == [f"{s}{key}{n}" for n in range(5) for s in "+-"]

"""``DrainingLoop`` keeps trio-asyncio's semantics; every story runs on both loops."""

import asyncio  # noqa: TID251 - the border under test
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import trio
import trio_asyncio

from bitvault.drivers import aio

Opener = Callable[[], AbstractAsyncContextManager[Any]]

both = pytest.mark.parametrize(
    "opener", [aio.open_loop, trio_asyncio.open_loop], ids=["ours", "shipped"]
)


@both
async def test_callbacks_run_in_the_order_they_were_scheduled(opener: Opener) -> None:
    """First in, first out, with what a callback schedules after what was there."""
    seen: list[int] = []
    async with opener() as loop:
        loop.call_soon(lambda: (seen.append(1), loop.call_soon(seen.append, 3)))
        loop.call_soon(seen.append, 2)
        await loop.synchronize()
        await loop.synchronize()
    assert seen == [1, 2, 3]


@both
async def test_timers_fire_in_time_order_and_not_when_cancelled(opener: Opener) -> None:
    """An earlier timer runs first whatever the order of asking; a cancelled one never."""
    seen: list[str] = []
    async with opener() as loop:
        done = asyncio.Event()
        loop.call_later(0.02, done.set)
        loop.call_later(0.01, seen.append, "late")
        loop.call_later(0.001, seen.append, "early")
        loop.call_later(0.005, seen.append, "never").cancel()
        await aio.call(done.wait)
    assert seen == ["early", "late"]


@both
async def test_cancelling_the_scope_cancels_the_coroutine_once(opener: Opener) -> None:
    """The coroutine may clean up, and then the scope has caught its cancellation."""
    seen: list[str] = []

    async def patient() -> None:
        started.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)  # noqa: ASYNC102 - asyncio, and the story
            seen.append("cleaned")
            raise

    async with opener(), trio.open_nursery() as nursery:
        started = trio.Event()
        nursery.start_soon(aio.call, patient)
        await started.wait()
        nursery.cancel_scope.cancel()
    assert seen == ["cancelled", "cleaned"]


@both
async def test_what_was_scheduled_before_the_exit_still_runs(opener: Opener) -> None:
    """Leaving the loop runs the callbacks that were queued, then stops it."""
    seen: list[int] = []
    async with opener() as loop:
        loop.call_soon(seen.append, 1)
    assert seen == [1]
    assert not loop.is_running()


@both
async def test_leaving_the_loop_cancels_its_tasks(opener: Opener) -> None:
    """A task left behind is cancelled and awaited, as asyncio.run does."""
    ended: list[bool] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    async with opener() as loop:
        task = loop.create_task(forever())
        await loop.synchronize()
    assert task.cancelled()
    assert ended == [True]


@both
async def test_asyncio_may_call_back_into_trio(opener: Opener) -> None:
    """A Trio function called from asyncio returns its value across the border."""

    async def trio_side() -> str:
        await trio.lowlevel.checkpoint()
        return trio.lowlevel.current_task().name

    async def asyncio_side() -> str:
        return str(await trio_asyncio.trio_as_aio(trio_side)())

    async with opener():
        assert "trio_side" in await aio.call(asyncio_side)


@both
async def test_a_failing_coroutine_raises_in_its_caller(opener: Opener) -> None:
    """An exception crosses the border unwrapped and the loop lives on."""

    async def broken() -> None:
        raise LookupError("no")

    async with opener():
        with pytest.raises(LookupError, match="no"):
            await aio.call(broken)
        await aio.call(asyncio.sleep, 0)


@both
async def test_a_callback_storm_leaves_trio_its_turn(opener: Opener) -> None:
    """A callback that reschedules itself does not starve Trio's tasks: it runs once in a step."""
    async with opener() as loop:
        called, most = 0, 10_000

        def again() -> None:
            nonlocal called
            called += 1
            if called < most:
                loop.call_soon(again)

        loop.call_soon(again)
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        seen, most = called, 0

    assert 10 < seen <= 51


async def test_finish_is_beyond_cancellation() -> None:
    """A cancelled task still completes what it must."""
    async with aio.open_loop():
        with trio.CancelScope() as scope:
            scope.cancel()
            assert await aio.finish(5, asyncio.sleep, 0, "done") == "done"


async def test_finish_has_an_end() -> None:
    """What hangs is cancelled at the deadline."""
    async with aio.open_loop():
        with pytest.raises(TimeoutError):
            await aio.finish(0.01, asyncio.sleep, 3600)


async def test_calling_without_a_loop_says_what_to_do() -> None:
    """The error names the function that opens one."""
    with pytest.raises(RuntimeError, match="open_loop"):
        await aio.call(asyncio.sleep, 0)


async def test_callbacks_are_looked_at_in_debug_mode_only() -> None:
    """A coroutine function is no callback; as on asyncio's own loop, only debugging finds out."""
    called = []

    def callback() -> None:
        called.append(True)

    callback._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    async with aio.open_loop() as loop:
        loop.set_debug(False)
        loop.call_soon(callback)
        await loop.synchronize()
        loop.set_debug(True)
        with pytest.raises(TypeError):
            loop.call_soon(callback)

    assert called == [True]

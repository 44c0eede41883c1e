"""The border with asyncio: the one place that opens a loop, and the one way to call across.

trio-asyncio as shipped runs one asyncio callback per Trio scheduling step, each in a cancel scope
of its own. ``DrainingLoop`` runs everything that was ready at the start of a step, as asyncio's own
loop does; order, cancellation, timers and stop are trio-asyncio's (ADR-0005, with the figures).
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from types import FunctionType
from typing import Any, TypeVar, cast

import sniffio
import trio
import trio_asyncio  # type: ignore[import-untyped]
from trio_asyncio import _loop as shipped
from trio_asyncio._handles import AsyncHandle  # type: ignore[import-untyped]

T = TypeVar("T")


class _ReadyQueue:
    """Handles in the order they came; stands in for the memory channel of trio-asyncio."""

    def __init__(self) -> None:
        self.handles: deque[asyncio.Handle | _Due] = deque()
        self._waiter: trio.lowlevel.Task | None = None

    def send_nowait(self, handle: asyncio.Handle) -> None:
        self.handles.append(handle)
        if self._waiter is not None:
            trio.lowlevel.reschedule(self._waiter)
            self._waiter = None

    async def wait(self, seconds: float | None) -> None:
        """Return when something was sent, or after ``seconds``."""
        if self.handles:
            await trio.lowlevel.cancel_shielded_checkpoint()
        elif seconds is None:
            await self._park()
        else:
            with trio.move_on_after(seconds):
                await self._park()

    async def _park(self) -> None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiter = None
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiter = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)


class _AtOnce:
    """The loop of futures that a Trio task waits for: it calls back as soon as they are done."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.get_debug = loop.get_debug
        self.call_exception_handler = loop.call_exception_handler

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context) -> None:
        context.run(callback, *args)


class DrainingLoop(trio_asyncio.TrioEventLoop):  # type: ignore[misc]
    """trio-asyncio's loop, running in one Trio step all that was ready when the step began.

    Attributes:
        is_driven: A Trio task runs a step of a coroutine itself; the futures it makes are not the
            loop's, and cost it no step when they are done.
    """

    is_driven = False

    def __init__(self, queue_len: int | None = None) -> None:
        super().__init__(queue_len)
        self._q_send = self._q_recv = _ReadyQueue()
        self._at_once = cast("asyncio.AbstractEventLoop", _AtOnce(self))

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future for whoever runs the coroutine."""
        return asyncio.Future(loop=self._at_once if self.is_driven else self)

    def _check_callback(self, callback: Callable[..., object], method: str) -> None:
        """Look for coroutines among callbacks in debug mode only, as asyncio's own loop does."""
        if self.get_debug():
            super()._check_callback(callback, method)

    async def _main_loop_one(self, no_wait: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
        queue = self._q_recv
        if no_wait:
            if not queue.handles:
                raise trio.WouldBlock
        else:
            await queue.wait(self._until_next_timer())
        self._expire_timers()
        await self._run_ready(len(queue.handles))

    def _until_next_timer(self) -> float | None:
        timers = self._timers
        while timers and timers[0]._cancelled:  # noqa: SLF001 - as BaseEventLoop does
            heapq.heappop(timers)
        return max(0.0, timers[0].when() - self.time()) if timers else None

    def _expire_timers(self) -> None:
        """Move due timers to the head of the queue: trio-asyncio runs them before what is ready."""
        due = []
        timers, now = self._timers, self.time() if self._timers else 0.0
        while timers and timers[0].when() <= now:
            due.append(heapq.heappop(timers))
        self._q_recv.handles.extendleft(map(_Due, reversed(due)))

    async def _run_ready(self, count: int) -> None:
        handles = self._q_recv.handles
        library = sniffio.thread_local
        before, library.name = library.name, "asyncio"
        try:
            for _ in range(count):
                handle = handles.popleft()
                if type(handle) is asyncio.Handle:
                    if not handle._cancelled:  # noqa: SLF001 - what BaseEventLoop._run_once checks
                        handle._run()  # noqa: SLF001 - the same
                elif isinstance(handle, asyncio.TimerHandle):
                    heapq.heappush(self._timers, handle)
                elif isinstance(handle, AsyncHandle):
                    library.name = before
                    await self._start_trio_task(handle)
                    library.name = "asyncio"
                elif not handle._cancelled:  # noqa: SLF001 - the same
                    handle._run()  # noqa: SLF001 - the same
        finally:
            library.name = before

    async def _start_trio_task(self, handle: Any) -> None:
        start_soon = self._nursery.start_soon
        handle._context.run(start_soon, handle._run, name=handle._callback)  # noqa: SLF001 - the same
        await handle._started.wait()  # noqa: SLF001 - the same


class _Due:
    """A timer whose time has come, so that it is run and not scheduled again."""

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self._run = timer._run  # noqa: SLF001 - as BaseEventLoop does
        self._timer = timer

    @property
    def _cancelled(self) -> bool:
        return self._timer.cancelled()


_open = cast(
    "Callable[[int | None], AbstractAsyncContextManager[DrainingLoop]]",
    asynccontextmanager(
        FunctionType(
            shipped.open_loop.__wrapped__.__code__,
            {**vars(shipped), "TrioEventLoop": DrainingLoop},
            "open_loop",
        )
    ),
)
"""trio-asyncio's own ``open_loop``, building our subclass instead of its class."""


@asynccontextmanager
async def open_loop() -> AsyncIterator[DrainingLoop]:
    """Open the asyncio loop for this task and all it starts; open it above the tree.

    On exit every asyncio task is cancelled and awaited, as ``asyncio.run`` does.
    """
    async with _open(None) as loop:
        yield loop


async def call(function: Callable[..., Awaitable[T]], /, *args: Any, **options: Any) -> T:
    """Call an asyncio coroutine function from Trio and return its result.

    Cancelling the Trio scope cancels the coroutine once; ``Cancelled`` is raised when it has
    unwound.

    Raises:
        RuntimeError: when no loop is open in this context.
    """
    loop = trio_asyncio.current_loop.get()
    if loop is None:
        raise RuntimeError("no asyncio loop here: open one with bitvault.drivers.aio.open_loop")
    result: T = await loop.run_aio_coroutine(function(*args, **options))
    return result


async def finish(
    within: float, function: Callable[..., Awaitable[T]], /, *args: Any, **options: Any
) -> T:
    """Call across the border beyond the reach of cancellation, for at most ``within`` seconds.

    For closing: what must not be left half done, and must not hang either.

    Raises:
        TimeoutError: when it had not ended in time; it was cancelled then.
    """
    with trio.move_on_after(within, shield=True):
        return await call(function, *args, **options)
    raise TimeoutError(f"{function!r} did not end within {within:g} s")

"""Looks at a system the daemon stands on, again and again, and notes what it finds."""

from collections.abc import Awaitable, Callable

import structlog
import trio

from bitvault.kernel.dependencies import LOOKS_EVERY, LOOKS_FOR, Dependencies, Finding


async def watch(
    dependency: str, look: Callable[[], Awaitable[object]], dependencies: Dependencies
) -> None:
    """Look for ever, and log when the answer becomes another.

    A look that does not end in time has found that the system does not answer.
    """
    log, is_up = structlog.get_logger("dependency").bind(dependency=dependency), True
    while True:
        found = await find_out(dependency, look)
        dependencies.note(found)
        if is_up and found.error:
            log.error("is down", error=found.error)
        elif not (is_up or found.error):
            log.info("is up again")
        is_up = not found.error
        await trio.sleep(LOOKS_EVERY)


async def find_out(dependency: str, look: Callable[[], Awaitable[object]]) -> Finding:
    """Look once."""
    began = trio.current_time()
    error = ""
    try:
        with trio.move_on_after(LOOKS_FOR) as patience:
            await look()
        if patience.cancelled_caught:
            error = f"no answer within {LOOKS_FOR:g} s"
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is what was found
        error = f"{type(failure).__name__}: {failure}".splitlines()[0][:200]
    now = trio.current_time()
    return Finding(dependency, error, now, now - began)

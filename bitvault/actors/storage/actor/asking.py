"""Asking the store about many objects, each of which may be refused."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio

from bitvault.kernel.refusal import DependencyDown, Refusal, Refused, Unavailable

T = TypeVar("T")
R = TypeVar("R")


async def each(parallel: int, items: Sequence[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """Ask about each item, a few at a time."""
    outcomes: dict[int, R] = {}
    limit = trio.CapacityLimiter(parallel)

    async def one(index: int) -> None:
        async with limit:
            outcomes[index] = await ask(items[index])

    async with trio.open_nursery() as nursery:
        for index in range(len(items)):
            nursery.start_soon(one, index)
    return [outcomes[index] for index in range(len(items))]


async def outcome(asked: Awaitable[R]) -> R | Refusal:
    """Return what the store said; a refusal, or the store being down, is an outcome too."""
    try:
        return await asked
    except Refused as refused:
        return refused.refusal
    except DependencyDown as down:
        return Unavailable(down.dependency)

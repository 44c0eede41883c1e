"""Threads for byte transfers: a bounded number, stopped together, never left behind on ^C."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from bitvault.client.errors import BitVaultError

T = TypeVar("T")
R = TypeVar("R")

_POLL = 0.2
"""Seconds between looks at the threads: a bare join would not let ^C through everywhere."""


@frozen
class Failed(Generic[T]):
    """An item whose work failed on purpose; the others went on."""

    item: T
    error: BitVaultError | OSError


class Crew:
    """Runs the same work in ``size`` threads; the first unexpected error stops all of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.stopping = threading.Event()
        self._error: BaseException | None = None

    def run(self, work: Callable[[], None]) -> None:
        """Run ``work`` in every thread and wait; raise the first error any of them raised.

        ``work`` must look at ``stopping`` between steps.
        """
        threads = [
            threading.Thread(target=self._guard, args=(work,), daemon=True)
            for _ in range(self._size)
        ]
        for thread in threads:
            thread.start()
        try:
            self._wait(threads)
        except BaseException:
            self.stopping.set()
            raise
        if self._error is not None:
            raise self._error

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: ASYNC103, BLE001 - a thread; raised again in the caller's thread
            self._error = self._error or error
            self.stopping.set()

    @staticmethod
    def _wait(threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL)


def each(jobs: int, function: Callable[[T], R], items: Iterable[T]) -> list[R | Failed[T]]:
    """Apply ``function`` to every item, ``jobs`` at a time; results in the order of the items.

    An expected failure (``BitVaultError``, ``OSError``) becomes a ``Failed`` in its place; any
    other error stops everything and is raised.
    """
    work = list(items)
    results: list[R | Failed[T] | None] = [None] * len(work)
    queue = _Shared(enumerate(work))
    crew = Crew(min(jobs, len(work)))

    def drain() -> None:
        for index, item in queue:
            if crew.stopping.is_set():
                return
            results[index] = attempt(function, item)

    crew.run(drain)
    return results  # type: ignore[return-value]  # every place is filled when run() returns


def attempt(function: Callable[[T], R], item: T) -> R | Failed[T]:
    """Apply ``function`` to one item in this thread; an expected failure is a value."""
    try:
        return function(item)
    except (BitVaultError, OSError) as error:
        return Failed(item, error)


class _Shared(Generic[T]):
    """An iterator several threads may draw from."""

    def __init__(self, iterator: Iterator[T]) -> None:
        self._iterator = iterator
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._lock:
            return next(self._iterator)

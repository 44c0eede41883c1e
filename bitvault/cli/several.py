"""The same for several things: one that fails leaves the others alone."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from bitvault.cli.failures import said
from bitvault.cli.output import Exit, Report
from bitvault.cli.summary import request_of
from bitvault.client.errors import BitVaultError
from bitvault.client.results import Missed

T = TypeVar("T")


@frozen
class Several(Generic[T]):
    """What became of several things: pairs of what was asked and its answer; and what failed."""

    done: Sequence[tuple[str, T]]
    missed: Sequence[Missed]

    def report(self, results: Sequence[Any], lines: Sequence[str]) -> Report:
        """Report it; what failed makes it partial."""
        return Report(
            results,
            lines,
            [f"{miss.path}: {said(miss.error)}" for miss in self.missed],
            Exit.PARTIAL if self.missed else Exit.OK,
            request_id=request_of(self.missed),
        )


def several(items: Iterable[str], function: Callable[[str], T]) -> Several[T]:
    """Apply ``function`` to every item.

    Raises:
        BitVaultError: it failed, and the item was the only one.
    """
    every = list(items)
    done: list[tuple[str, T]] = []
    missed: list[Missed] = []
    for item in every:
        try:
            done.append((item, function(item)))
        except BitVaultError as error:
            if len(every) == 1:
                raise
            missed.append(Missed(item, error))
    return Several(done, missed)

"""Making one mistake while a run lasts: a name is replaced, or some words of a statement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import evolve, frozen

from bitvault.drivers.postgres.port import Query
from tests.simulation.draws import wild
from tests.simulation.plans import Plan

Making = Callable[[ExitStack], None]


@contextmanager
def replaced(owner: Any, name: str, new: Any) -> Iterator[None]:
    """Put something else in the place of a name."""
    kept = getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, kept)


@contextmanager
def rewritten(queries: Mapping[str, Query], name: str, old: str, new: str) -> Iterator[None]:
    """Replace words of a statement.

    Raises:
        AssertionError: it has no such words any more.
    """
    kept = queries[name]
    if old not in kept.sql:
        raise AssertionError(f"the statement {name} has changed; so must its mutant")
    queries[name] = evolve(kept, sql=kept.sql.replace(old, new))  # type: ignore[index]
    try:
        yield
    finally:
        queries[name] = kept  # type: ignore[index]


@frozen
class Mutant:
    """One mistake, and the invariant, by its number, that must give it away."""

    name: str = "none"
    breaks: str = ""
    make: Making = lambda _: None
    keeps_keys: bool = True
    """Whether clients repeat with the same Idempotency-Key."""
    store_checks: bool = True
    """Whether the store holds a PUT to its signed checksum."""
    draw: Callable[[int], Plan] = wild
    """Which plans give it away soonest."""
    first: int = 1
    """A seed near one that does."""

    def caught_by(self, broken: Sequence[str]) -> bool:
        """Return whether the invariant that it must break is among the broken ones."""
        return any(each.startswith(self.breaks) for each in broken)

    def plans(self, count: int) -> Iterator[Plan]:
        """Yield plans to try it with."""
        for seed in range(self.first, self.first + count):
            yield evolve(self.draw(seed), mutant=self.name)

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the mistake while a run lasts."""
        with ExitStack() as stack:
            self.make(stack)
            yield

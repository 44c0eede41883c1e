"""Events that were stored by any version of BitVault can be read by this one."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from attrs import frozen

from bitvault.kernel.events import Event
from bitvault.manifest import events_of
from bitvault.outbox.coding import classes_of
from bitvault.services import SERVICES
from tests.outbox.golden import Sample, is_new, kept, sample_of, what_breaks

CLASSES = classes_of(events_of(SERVICES))
SAMPLES = kept()


@frozen
class Counted(Event):
    """As it was."""

    kind: ClassVar[str] = "node.counted"
    name: str
    count: int


@frozen
class CountedLater(Event):
    """With a field more, and one that may be missing."""

    kind: ClassVar[str] = "node.counted"
    name: str | None
    count: int
    size: int | None = None


@frozen
class Uncounted(Event):
    """Without its count."""

    kind: ClassVar[str] = "node.counted"
    name: str


@frozen
class CountedInWords(Event):
    """With a count of another type."""

    kind: ClassVar[str] = "node.counted"
    name: str
    count: str


@frozen
class CountedAgain(Event):
    """With a count of another type, in a version of its own."""

    kind: ClassVar[str] = "node.counted"
    schema: ClassVar[int] = 2
    upcasts: ClassVar[Mapping[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {
        1: lambda fields: {**fields, "count": str(fields["count"])}
    }
    name: str
    count: str


@pytest.mark.parametrize(
    ("kind", "at"),
    [(kind, at) for kind, samples in SAMPLES.items() for at in range(len(samples))],
    ids=[f"{kind} {at}" for kind, samples in SAMPLES.items() for at in range(len(samples))],
)
def test_what_was_ever_stored_is_read(kind: str, at: int) -> None:
    """It decodes to its class, and what is still of the present version encodes to the same."""
    assert kind in CLASSES, f"{kind}: events of it are stored, so its class has to stay"
    broken = what_breaks(SAMPLES[kind][at], CLASSES[kind])
    assert not broken, broken


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_every_event_has_a_sample_with_the_fields_of_today(kind: str) -> None:
    """So that the next change of it is held against what was stored."""
    assert not is_new(SAMPLES.get(kind, ()), CLASSES[kind]), f"{kind}: run `make golden`"


def test_a_new_field_with_a_default_breaks_nothing() -> None:
    """Nor does one that may be missing from now on; but there is to be a sample of it."""
    old = sample_of(Counted)

    assert what_breaks(old, CountedLater) == ""
    assert is_new([old], CountedLater)
    assert not is_new([old], Counted)


@pytest.mark.parametrize("changed", [Uncounted, CountedInWords], ids=["removed", "retyped"])
def test_a_removed_or_retyped_field_is_told_with_what_to_do(changed: type[Event]) -> None:
    """The sentence names the event, the field, and the way."""
    assert what_breaks(sample_of(Counted), changed) == (
        "node.counted: `count` was removed or has another type, but there are stored events: "
        "set `schema` to 2, give `upcasts` a step from 1, and run `make golden`"
    )


def test_a_new_version_reads_the_old_one_by_its_step() -> None:
    """Without the step it does not."""
    old: Sample = sample_of(Counted)

    @frozen
    class Forgotten(CountedAgain):
        upcasts: ClassVar[Mapping[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {}

    assert what_breaks(old, CountedAgain) == ""
    assert what_breaks(old, Forgotten) == (
        "node.counted: an event of version 1 cannot be read: KeyError(1)"
    )

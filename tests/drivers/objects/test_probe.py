"""The probe believes only what a store refused."""

from datetime import UTC, datetime

import attrs
import pytest

from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.probe import StoreUnfit, probe
from bitvault.drivers.objects.signing import PROVEN


class StillClock:
    """A clock that does not move."""

    def now(self) -> datetime:
        """Return the one moment."""
        return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.requirement("X45")
async def test_an_honest_store_is_believed() -> None:
    """A store that refuses every fraud has every capability, and is left empty."""
    store = MemoryObjectStore(StillClock())

    assert await probe(store, store.send, "probe/1") == PROVEN
    assert await store.list_prefix("", 10) == []


@pytest.mark.requirement("X45")
@pytest.mark.parametrize(
    "promise",
    ["signed_length", "signed_checksum", "write_once", "part_checksum", "composite_checksum"],
)
async def test_each_lie_is_caught(promise: str) -> None:
    """A store that breaks one promise loses that capability and no other."""
    honours = attrs.evolve(PROVEN, **{promise: False})
    store = MemoryObjectStore(StillClock(), honours)

    assert await probe(store, store.send, "probe/1") == honours


@pytest.mark.requirement("X45")
async def test_a_store_that_takes_forged_signatures_is_unfit() -> None:
    """Nothing may run on it, and the message says why."""
    honours = attrs.evolve(PROVEN, forged_signature_refused=False)
    store = MemoryObjectStore(StillClock(), honours)

    with pytest.raises(StoreUnfit, match="without a valid signature"):
        await probe(store, store.send, "probe/1")
    assert await store.list_prefix("", 10) == []

"""The other seams of one life: clock, passwords, object store, bus; and the clients' way in."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import trio
from attrs import define, evolve, field, frozen

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.bus.port import Hint, Subscription
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Capabilities, Signed
from bitvault.drivers.objects.probe import Answer
from bitvault.drivers.objects.signing import PROVEN
from bitvault.kernel.clock import Clock
from bitvault.kernel.refusal import DependencyDown
from tests.simulation.world import Life, World

_START = datetime(2030, 1, 1, tzinfo=UTC)
_CHANGES = frozenset(
    {"create_multipart", "complete_multipart", "abort_multipart", "copy", "delete"}
)
WEAK = Capabilities(
    signed_length=False,
    signed_checksum=False,
    write_once=False,
    part_checksum=False,
    composite_checksum=False,
    forged_signature_refused=True,
)


@frozen
class SimClock:
    """Wall time that passes with the virtual clock."""

    def now(self) -> datetime:
        """Return the simulated time."""
        return _START + timedelta(seconds=trio.current_time())


@frozen
class CheapPasswords:
    """Implements ``Passwords``: Argon2 runs in threads, which no seed can order."""

    async def hash(self, password: str) -> str:
        """Return something that a password can be compared with."""
        await trio.lowlevel.checkpoint()
        return f"$sim${hashlib.sha256(password.encode()).hexdigest()}"

    async def verify(self, phc: str | None, password: str) -> bool:
        """Compare."""
        return phc == await self.hash(password)

    def outdated(self, phc: str) -> bool:
        """Say that nothing is."""
        return False


def open_store(clock: Clock, *, weak: bool, checks: bool) -> MemoryObjectStore:
    """Make the world's store; one that ``checks`` not takes any bytes for a signed checksum."""
    store = MemoryObjectStore(clock, honours=WEAK if weak else PROVEN, min_part=1)
    store.capabilities = store.honours
    if not checks:
        store.honours = evolve(store.honours, signed_checksum=False, part_checksum=False)
    return store


@define(eq=False)
class SimObjects:
    """The object store as one life reaches it: each request is a point of the world."""

    world: World
    life: Life
    inner: MemoryObjectStore
    deleting: Callable[[str], None]

    def __getattr__(self, name: str) -> Any:
        """Signing is arithmetic and passes; everything else may go wrong."""
        inner = getattr(self.inner, name)
        if name == "capabilities" or name.startswith("sign_"):
            return inner

        async def change(*arguments: Any) -> Any:
            async def act() -> Any:
                if name == "delete":
                    self.deleting(arguments[0])
                return await inner(*arguments)

            try:
                return await self.world.effect(self.life, "store", name, act)
            except DependencyDown:
                self.world.saw(f"{name} without an answer")
                raise

        async def look(*arguments: Any) -> Any:
            await self.world.point(self.life, "look", name)
            return await inner(*arguments)

        return change if name in _CHANGES else look


@define(eq=False)
class SimBus:
    """The bus of one life, which may lose what it is given, or deliver it twice."""

    world: World
    life: Life
    inner: MemoryBus = field(factory=MemoryBus)

    async def publish(self, hint: Hint) -> None:
        """Hand the hint on: not at all, once, or twice."""
        wrong = await self.world.point(self.life, "publish", "publish")
        self.world.saw(*wrong)
        if "bus loses" not in wrong:
            await self.inner.publish(hint)
        if "bus doubles" in wrong:
            await self.inner.publish(hint)

    def subscribe(self, name: str, subjects: Sequence[str]) -> Subscription:
        """Open a subscription."""
        return self.inner.subscribe(name, subjects)


@define(eq=False)
class Wire:
    """The clients' way to the object store: each PUT is an effect of the world."""

    world: World
    store: MemoryObjectStore
    sent: list[tuple[Signed, bytes]] = field(factory=list)
    """Every upload request ever signed for a client, with the bytes it was meant for."""

    async def put(self, signed: Signed, body: bytes, meant: bytes) -> Answer:
        """Send bytes; the daemon may die meanwhile, and the answer may be lost."""
        self.sent.append((signed, meant))

        async def act() -> Answer:
            return await self.store.send(signed, body)

        return await self.world.effect(None, "put", "PUT", act)

    async def get(self, signed: Signed) -> Answer:
        """Fetch bytes."""
        return await self.store.send(signed)

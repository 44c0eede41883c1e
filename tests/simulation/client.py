"""A client: it logs in once, and asks again, with the same key, until it has an answer."""

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

import trio
from attrs import define, field, frozen

from bitvault.actors.identity.contract import (
    Authenticate,
    OpenSession,
    SecretIssued,
    TooManyAttempts,
    Unauthenticated,
)
from bitvault.kernel.principal import Caller, Idempotency, Origin, Principal
from bitvault.kernel.refusal import DependencyDown, Failed, Refusal, Unavailable
from supervisors import ActorDied, AskTimeout, MailboxFull, Registry
from tests.simulation.machine import Machine
from tests.simulation.observations import Observation, Step, Unknown
from tests.simulation.seams import Wire
from tests.simulation.world import World, unheard

Once = Callable[[Registry, float], Any]

_LONGEST_ASK = 60.0
_PAUSE = 0.2
_PATIENCE = 200


class Stuck(Exception):  # noqa: N818 - a finding about the daemon
    """The daemon never gave an answer that a client can work with."""


class Interruptible(Protocol):
    """What is written down of a request."""

    interrupted: bool
    """Whether some answer on the way was lost, or said that something is down."""


@frozen
class Account:
    """Who logs in where."""

    tenant: str
    login: str
    password: str = "correct horse"


@define(eq=False)
class Common:
    """What all clients of a world share."""

    world: World
    machines: Sequence[Machine]
    wire: Wire
    last_seq: Callable[[UUID], int]
    """The last seq of a tenant's journal, as it is committed."""
    keeps_keys: bool = True
    """Whether repeats carry the same Idempotency-Key."""
    nodes: dict[UUID, list[UUID]] = field(factory=dict)
    """By tenant, the ids that its clients were told."""
    said: dict[UUID, Any] = field(factory=dict)
    """By tenant, what its clients said about who may do what (``sharing.Said``)."""
    disables: bool = False
    """Whether users are disabled, who then lose their sessions."""


@define(eq=False)
class Client:
    """One device of one user."""

    common: Common
    account: Account
    number: int
    token: str = ""
    tenant: UUID = field(factory=lambda: UUID(int=0))
    seen: list[Observation] = field(factory=list)
    known: dict[str, int] = field(factory=dict)
    """The last version it was told of, by path."""
    entries: list[UUID] = field(factory=list)
    """Its undo tokens, newest last."""
    spent: list[str] = field(factory=list)
    """Keys whose request was answered."""
    user: UUID = field(factory=lambda: UUID(int=0))
    session: tuple[int, int] = (0, 0)
    """The journal's last seq before and after its session was opened."""
    rng: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Give it randomness of its own: another's script must not disturb it."""
        seed = f"{self.common.world.plan.seed} client {self.number}"
        self.rng = random.Random(seed)  # noqa: S311 - the same again is the point

    @property
    def world(self) -> World:
        """Return the world it lives in."""
        return self.common.world

    async def log_in(self) -> None:
        """Open the session that everything else uses, whatever dies meanwhile."""
        account = self.account
        request = OpenSession(account.tenant, account.login, account.password, Origin("login"))
        reply = await self.ask_open("identity", request)
        if not isinstance(reply, SecretIssued):
            raise Stuck(f"I22 a login was refused: {reply}")
        self.token, self.tenant = reply.token, reply.user.tenant_id
        self.user = reply.user.user_id
        self.session = 0, self.common.last_seq(self.tenant)

    async def ask_open(self, room: str, request: Any) -> Any:
        """Ask what needs no session."""

        async def once(registry: Registry, patience: float) -> Any:
            return await registry.ref(room).ask(request, timeout=patience)

        return await self._repeat(once, None, gives_up=False)

    async def ask(
        self,
        room: str,
        build: Callable[[Principal], Any],
        observation: "Interruptible | None" = None,
        *,
        gives_up: bool = False,
    ) -> Any:
        """Ask until there is an answer; ``Unknown`` where the client then gives up."""

        async def once(registry: Registry, patience: float) -> Any:
            principal = await self._principal(registry, patience)
            if not isinstance(principal, Principal):
                return principal
            return await registry.ref(room).ask(build(principal), timeout=patience)

        return await self._repeat(once, observation, gives_up=gives_up)

    async def _repeat(
        self, once: Once, observation: "Interruptible | None", *, gives_up: bool
    ) -> Any:
        patience = self.world.plan.knobs.patience
        lost: list[str] = []
        unheard.set(lost)
        for attempt in range(_PATIENCE):
            reply = await self._try(once, min(_LONGEST_ASK, patience * 2.0 ** min(attempt, 10)))
            if not _is_down(reply):
                self.world.saw(*(["an unknown outcome was asked again"] if attempt else []))
                self.world.saw(*(f"{each}, then asked again" for each in lost))
                return reply
            if observation is not None:
                observation.interrupted = True
            if gives_up:
                self.world.saw("a client gave up")
                return Unknown()
            await trio.sleep(min(_PAUSE, patience) * (1 + self.rng.random()))
        raise Stuck(f"liveness: client {self.number} never got an answer")

    async def _try(self, once: Once, patience: float) -> Any:
        registry = self.rng.choice(self.common.machines).registry
        if registry is None:
            return Unavailable("daemon")
        try:
            reply = await once(registry, patience)
            if not isinstance(reply, Failed):
                return reply
            self.world.saw("a request failed")
        except AskTimeout:
            self.world.saw("an ask timed out")
        except (ActorDied, MailboxFull):
            self.world.saw("an answer was lost")
        return Unavailable("daemon")

    async def _principal(self, registry: Registry, patience: float) -> Principal | Refusal:
        request = Authenticate(self.token, Origin("authenticate"))
        reply = await registry.ref("identity").ask(request, timeout=patience)
        if self.common.disables and isinstance(reply, Unauthenticated):
            return reply
        if not isinstance(reply, Principal | Unavailable):
            raise Stuck(f"I22 a session was lost: {reply}")
        return reply

    def caller(self, principal: Principal, request: str, key: str = "", what: Any = "") -> Caller:
        """Return a caller; with a key, its fingerprint stands for ``what`` is asked."""
        if not key or not self.common.keeps_keys:
            return Caller(principal, Origin(request))
        fingerprint = hashlib.sha256(repr(what).encode()).digest()
        return Caller(principal, Origin(request), Idempotency(key, fingerprint))

    async def reach_store(self, send: Callable[[], Any]) -> Any:
        """Send to the object store until it answers."""
        for _ in range(_PATIENCE):
            try:
                return await send()
            except DependencyDown:
                await trio.sleep(_PAUSE * (1 + self.rng.random()))
        raise Stuck(f"liveness: client {self.number} never reached the store")

    def begin(self, request: str, steps: list[Step]) -> Observation:
        """Start to write down a request."""
        now = self.common.last_seq(self.tenant)
        observation = Observation(request, self.tenant, self.user, self.account.login, steps, now)
        self.seen.append(observation)
        return observation

    def finish(self, observation: Observation) -> None:
        """Note when the last answer came, and which refusals it has."""
        observation.hi = self.common.last_seq(self.tenant)


def _is_down(reply: Any) -> bool:
    """Say whether a reply, or one of its items, asks for a repeat."""
    if isinstance(reply, tuple):
        return any(isinstance(each, Unavailable) for each in reply)
    return isinstance(reply, Unavailable | TooManyAttempts)

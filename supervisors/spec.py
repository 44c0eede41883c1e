"""What to run and how to restart it: frozen, checked when built."""

import enum
import math
import random as _random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Literal

import attrs

from supervisors.child import Child
from supervisors.errors import InvalidSpec

__all__ = [
    "BRUTAL_KILL",
    "INFINITY",
    "Backoff",
    "BrutalKill",
    "ChildSpec",
    "Flags",
    "Restart",
    "Strategy",
    "check_specs",
]


class Restart(enum.Enum):
    """When a child that ended is started again."""

    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # only after an abnormal end
    TEMPORARY = "temporary"  # never, not even when a sibling's death took it down


class Strategy(enum.Enum):
    """Who is restarted with a child that died."""

    ONE_FOR_ONE = "one_for_one"  # nobody
    REST_FOR_ONE = "rest_for_one"  # those started after it
    ONE_FOR_ALL = "one_for_all"  # everybody


class BrutalKill(enum.Enum):
    """The `shutdown` of a child that is cancelled without being asked first."""

    BRUTAL_KILL = "brutal_kill"


BRUTAL_KILL: Final = BrutalKill.BRUTAL_KILL
INFINITY: Final = math.inf


@attrs.frozen
class Backoff:
    """How long to wait before a restart: the first at once, then growing, never in step.

    Attributes:
        first: Seconds before the first restart of a child that had been well.
        base: Seconds before the second in a row; each further one is `factor` times longer.
        factor: Growth per restart in a row.
        maximum: Upper bound in seconds.
        jitter: Share of the delay that is random, 0..1, so that a storm spreads out.
        random: Gives numbers in [0, 1). Inject a seeded one for determinism.
    """

    first: float = 0.0
    base: float = 0.1
    factor: float = 2.0
    maximum: float = 30.0
    jitter: float = 0.5
    random: Callable[[], float] = _random.random

    def delay(self, streak: int) -> float:
        """Seconds to wait before restart number `streak` in a row (1, 2, ...)."""
        if streak <= 1:
            return self.first
        # The exponent is capped because a float overflows long before anybody waits that long.
        whole = min(self.maximum, self.base * self.factor ** min(streak - 2, 64))
        return whole * (1.0 - self.jitter * self.random())


def _positive(_self: object, attribute: "attrs.Attribute[Any]", value: float) -> None:
    if not value > 0:
        raise InvalidSpec(f"{attribute.name} must be greater than 0, not {value!r}")


def _not_negative(_self: object, attribute: "attrs.Attribute[Any]", value: float) -> None:
    if not value >= 0:
        raise InvalidSpec(f"{attribute.name} must not be negative, not {value!r}")


@attrs.frozen
class Flags:
    """How a supervisor treats deaths.

    Attributes:
        strategy: Who is restarted with a child that died.
        intensity: Restarts allowed within `period`; one more, and the supervisor gives up.
        period: Seconds. Allowed restarts multiply along nested supervisors: keep the top low.
        backoff: The wait before each restart.
        max_children: Bound on all children; `start_child` refuses above it.
    """

    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = attrs.field(default=1, validator=_not_negative)
    period: float = attrs.field(default=5.0, validator=_positive)
    backoff: Backoff = attrs.field(factory=Backoff)
    max_children: int = attrs.field(default=10_000, validator=_positive)


def _valid_id(_self: object, _attribute: "attrs.Attribute[str]", value: str) -> None:
    if not isinstance(value, str) or not value or "/" in value:
        raise InvalidSpec(f"id must be a non-empty string without '/', not {value!r}")


def _valid_shutdown(_self: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if value is not BRUTAL_KILL and not (isinstance(value, int | float) and value >= 0):
        raise InvalidSpec(f"shutdown must be seconds, INFINITY or BRUTAL_KILL, not {value!r}")


def _is_callable(_self: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not callable(value):
        raise InvalidSpec(f"start must be an async function of one Child, not {value!r}")


@attrs.frozen
class ChildSpec:
    """A child to be.

    Attributes:
        id: Unique among its siblings; the last part of the path.
        start: The whole life of the child. It calls `child.started()` once it can answer, returns
            soon after `child.stopping` is set, and is cancelled when it does not.
        restart: When to start it again after it ended.
        shutdown: Seconds between the polite stop and the kill, INFINITY, or BRUTAL_KILL for no
            polite stop at all. Give supervisors INFINITY.
        kind: "worker" or "supervisor"; for counting and for the status page.
        start_timeout: Seconds until a child that has not called `started()` is killed and counts
            as failed.
    """

    id: str = attrs.field(validator=_valid_id)
    start: Callable[[Child], Awaitable[None]] = attrs.field(validator=_is_callable)
    restart: Restart = attrs.field(
        default=Restart.PERMANENT, validator=attrs.validators.instance_of(Restart)
    )
    shutdown: float | BrutalKill = attrs.field(default=5.0, validator=_valid_shutdown)
    kind: Literal["worker", "supervisor"] = attrs.field(
        default="worker", validator=attrs.validators.in_(("worker", "supervisor"))
    )
    start_timeout: float = attrs.field(default=INFINITY, validator=_positive)


def check_specs(specs: Iterable[ChildSpec]) -> tuple[ChildSpec, ...]:
    """Return the specs as a tuple.

    Raises:
        InvalidSpec: Two have the same id.
    """
    checked = tuple(specs)
    seen: set[str] = set()
    for spec in checked:
        if spec.id in seen:
            raise InvalidSpec(f"two children have the id {spec.id!r}")
        seen.add(spec.id)
    return checked

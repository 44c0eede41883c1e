"""Plans: a run, written down whole. The same plan gives the same trace, in any process."""

import platform
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import msgspec
from attrs import evolve, field, frozen

KEPT = Path(".simulation")


@frozen(order=True)
class Fault:
    """Something that goes wrong at a point: ``t0u1.2.upload:3`` is the third of that request."""

    point: str
    kind: str


@frozen
class Item:
    """One file of an upload: where to, which content, and on which terms."""

    path: str
    tag: int
    """Names the content and, by that, its size."""
    if_exists: str = "fail"
    base: str = ""
    """``known``: the version the client last saw there; ``stale``: the one before it."""


@frozen
class Op:
    """One thing a client does; what a field means depends on the kind (``client.py``)."""

    kind: str
    number: int = 0
    """Its place in the script as it was drawn; keeps its name when others are left out."""
    path: str = ""
    to: str = ""
    name: str = ""
    if_exists: str = "fail"
    items: tuple[Item, ...] = ()
    ends: str = "commit"
    """How an upload ends: ``commit``, ``abort``, or ``leave`` (it is forgotten)."""
    damaged: bool = False
    """Whether other bytes are sent first, as a broken disk or a hostile client would."""
    twice: bool = False
    """Whether two devices of the user commit the upload, at the same time."""
    gives_up: bool = False
    """Whether the client takes an unknown outcome for its last word."""
    after: float = 0.0
    """Virtual seconds the client waits first."""
    steps: "tuple[Op, ...]" = ()
    """Operations on a tree that are applied in one batch."""


@frozen
class Script:
    """What one client does, in order."""

    tenant: int
    user: int
    ops: tuple[Op, ...]
    opening: bool = False
    """Whether it is done before the tenant's other scripts begin."""


@frozen
class Knobs:
    """How the installation is set up, and how often what goes wrong; printed with a failure."""

    machines: int = 1
    single_max: int = 24
    part: int = 16
    weak_store: bool = False
    """A store that keeps none of its promises, and was caught at it."""
    grace: float = 86_400.0
    """Virtual seconds that content outlives its last reference, and objects that nobody claims."""
    garbage_interval: float = 60.0
    retry: float = 300.0
    """Virtual seconds between two tries to delete."""
    purge_at_once: int = 1000
    space_quota: int | None = None
    tenant_quota: int | None = None
    patience: float = 5.0
    """Virtual seconds a client waits for an answer before it asks again; doubles each time."""
    rates: Mapping[str, float] = field(factory=dict)
    """Probability of each fault at each point; empty when the plan names its faults."""
    most_crashes: int = 3


@frozen
class Plan:
    """A run, whole."""

    seed: int
    knobs: Knobs
    scripts: tuple[Script, ...]
    faults: tuple[Fault, ...] = ()
    mutant: str = "none"
    broken: tuple[str, ...] = ()
    """What it broke when it was kept."""
    made_with: Mapping[str, str] = field(factory=dict)


def expanded(plan: Plan, faults: list[Fault]) -> Plan:
    """Return the plan with the faults that were drawn written down, and none drawn any more."""
    return evolve(plan, knobs=evolve(plan.knobs, rates={}), faults=tuple(sorted(faults)))


def keep(plan: Plan, folder: Path = KEPT) -> Path:
    """Write a plan down, with the versions it ran on, so that it can be replayed."""
    folder.mkdir(exist_ok=True)
    kept = evolve(plan, made_with=_versions())
    text = msgspec.json.format(msgspec.json.encode(kept), indent=1)
    path = folder / f"fail-{sha256(text).hexdigest()[:12]}.json"
    path.write_bytes(text + b"\n")
    return path


def read(path: Path) -> Plan:
    """Read a plan that was written down."""
    return msgspec.json.decode(path.read_bytes(), type=Plan)


def _versions() -> dict[str, str]:
    packages = ("trio", "asyncpg", "bitvault")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}

"""Plans: every crash point of a run, random pairs, and how a failing one is kept."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.simulation.world import CrashPoint, Plan

KEPT = Path(".simulation")


def exhaustive(seed: int, effects: int, mutant: str = "none") -> Iterator[Plan]:
    """Yield a plan for a crash before and after each effect."""
    for effect in range(1, effects + 1):
        yield Plan(seed, (CrashPoint(effect, "before"),), mutant)
        yield Plan(seed, (CrashPoint(effect, "after"),), mutant)


def pairs(seed: int, count: int, *, most: int) -> Iterator[Plan]:
    """Yield plans with two random crashes each, the second during recovery as often as not."""
    rng = random.Random(seed)  # noqa: S311 - the same again is the point
    for number in range(count):
        first, second = sorted(rng.sample(range(1, most + 1), 2))
        sides = rng.choices(("before", "after"), k=2)
        points = (CrashPoint(first, sides[0]), CrashPoint(second, sides[1]))  # type: ignore[arg-type]
        yield Plan(seed + number, points)


def keep(plan: Plan) -> Path:
    """Write a plan down, so that it can be replayed."""
    KEPT.mkdir(exist_ok=True)
    crashes = "-".join(f"{point.effect}{point.side}" for point in plan.crashes)
    path = KEPT / f"{plan.mutant.replace(' ', '-')}-{plan.seed}-{crashes}.json"
    path.write_bytes(msgspec.json.encode(plan))
    return path


def read(path: Path) -> Plan:
    """Read a plan that was written down."""
    return msgspec.json.decode(path.read_bytes(), type=Plan)

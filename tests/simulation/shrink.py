"""Making a failing plan small: delta debugging over its faults, then over its operations."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import evolve

from tests.simulation.plans import Op, Plan
from tests.simulation.scenario import run_plan
from tests.simulation.sessions import Sessions

T = TypeVar("T")


def shrink(plan: Plan, sessions: Sessions) -> tuple[Plan, int]:
    """Return a smaller plan that breaks the same invariant, and how many runs that took.

    Operations go first: a fault at a request that is left out goes with it.

    Raises:
        ValueError: the plan breaks nothing.
    """
    numbers = {each.partition(" ")[0] for each in run_plan(plan, sessions).broken}
    if not numbers:
        raise ValueError("this plan breaks nothing")
    runs = 1

    def fails(candidate: Plan) -> bool:
        nonlocal runs
        runs += 1
        broken = run_plan(candidate, sessions).broken
        return bool(numbers & {each.partition(" ")[0] for each in broken})

    ops = [(at, op) for at, script in enumerate(plan.scripts) for op in script.ops]
    left = minimal(ops, lambda some: fails(_with(plan, some)))
    plan = _with(plan, left)
    faults = minimal(plan.faults, lambda some: fails(evolve(plan, faults=tuple(some))))
    plan = evolve(plan, faults=tuple(faults))
    return evolve(plan, broken=run_plan(plan, sessions).broken), runs


def _with(plan: Plan, ops: Sequence[tuple[int, Op]]) -> Plan:
    scripts = [
        evolve(script, ops=tuple(op for owner, op in ops if owner == at))
        for at, script in enumerate(plan.scripts)
    ]
    return evolve(plan, scripts=tuple(scripts))


def minimal(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return a part of ``items`` that still fails, and no longer does without any one of it."""
    parts = 2
    while items:
        size = -(-len(items) // parts)
        cuts = [[*items[:at], *items[at + size :]] for at in range(0, len(items), size)]
        smaller = next((cut for cut in cuts if fails(cut)), None)
        if smaller is not None:
            items, parts = smaller, max(2, parts - 1)
        elif size == 1:
            return items
        else:
            parts = min(len(items), parts * 2)
    return items

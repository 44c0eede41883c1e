"""The whole tree over the real database, killed before and after every durable effect."""

from collections import Counter
from collections.abc import Iterator

import pytest

from bitvault.drivers.postgres.sessions import prepare_session
from tests.simulation.database import Sessions
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.plans import exhaustive, keep, pairs
from tests.simulation.scenario import run_plan
from tests.simulation.world import Plan
from tests.support.postgres import PostgresServer

SEED = 1


@pytest.fixture(scope="module")
def sessions(migrated_server: PostgresServer) -> Iterator[Sessions]:
    """Connect the simulated world to a database of its own."""
    name = migrated_server.clone()
    sessions = Sessions(migrated_server.dsn(name), prepare_session)
    yield sessions
    sessions.close()
    migrated_server.drop(name)


def effects_of(plan: Plan, sessions: Sessions) -> int:
    """Count the durable effects of a run without crashes."""
    return run_plan(plan, sessions).world.effects


def test_the_same_plan_gives_the_same_trace(sessions: Sessions) -> None:
    """Everything random comes from the plan."""
    (plan,) = pairs(SEED, 1, most=20)

    first, second = run_plan(plan, sessions), run_plan(plan, sessions)

    assert first.world.trace == second.world.trace
    assert first.broken == second.broken == ()


@pytest.mark.slow
def test_no_crash_breaks_an_invariant(sessions: Sessions) -> None:
    """Killed before or after any one effect, or at two, nothing is lost or doubled."""
    seen: Counter[str] = Counter()
    plans = [*exhaustive(SEED, effects_of(Plan(SEED), sessions)), *pairs(SEED, 30, most=30)]
    for plan in plans:
        outcome = run_plan(plan, sessions)
        seen.update(outcome.world.seen)
        assert outcome.broken == (), f"replay: python -m tests.simulation replay {keep(plan)}"

    wanted = ("an incarnation died", "an outcome was unknown", "crash before effect")
    assert [what for what in wanted if not seen[what]] == []


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(sessions: Sessions, mutant: Mutant) -> None:
    """Each classic mistake breaks the invariant that it must break at some crash point."""
    effects = effects_of(Plan(SEED), sessions)
    plans = [Plan(SEED, (), mutant.name), *exhaustive(SEED, effects, mutant.name)]

    assert any(mutant.caught_by(run_plan(plan, sessions).broken) for plan in plans)

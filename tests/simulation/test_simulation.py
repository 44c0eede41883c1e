"""The daemon's own tree over the real database, with everything going wrong that can."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from bitvault.drivers.postgres.sessions import prepare_session
from tests.simulation.draws import calm, commons, exhaustive, pairs, quarrel, shared, wild
from tests.simulation.making import Mutant
from tests.simulation.mutants import MUTANTS
from tests.simulation.plans import read
from tests.simulation.scenario import run_plan
from tests.simulation.sessions import Sessions
from tests.simulation.shrink import minimal
from tests.simulation.tally import Tally
from tests.support.postgres import PostgresServer

KEPT = sorted((Path(__file__).parent / "kept").glob("*.json"))
STORY = 1
EVERY = 12
"""One crash point in so many is tried here; ``python -m tests.simulation run`` tries them all."""
DRAWN = 30
SHARED = 20
MUTANT_RUNS = 40


@pytest.fixture(scope="module")
def caught() -> list[str]:
    """Collect the names of the mutants that were caught."""
    return []


@pytest.fixture(scope="module")
def sessions(
    migrated_server: PostgresServer, request: pytest.FixtureRequest, caught: list[str]
) -> Iterator[Sessions]:
    """Connect the simulated world to a database of its own; tell the figures at the end."""
    name, begin = migrated_server.clone(), time.perf_counter()
    sessions = Sessions(migrated_server.dsn(name), prepare_session)
    yield sessions
    seconds = time.perf_counter() - begin
    sessions.close()
    migrated_server.drop(name)
    figures = f"simulation: {sessions.runs} runs, {sessions.runs / seconds:.1f} runs/s"
    plugin = request.config.pluginmanager.get_plugin
    with plugin("capturemanager").global_and_fixture_disabled():
        plugin("terminalreporter").write_line(
            f"\n{figures}; mutants caught: {len(caught)} of {len(MUTANTS)}"
        )


def test_a_plan_with_its_faults_written_down_gives_the_same_trace(sessions: Sessions) -> None:
    """Everything random comes from the plan, and a fault that was drawn can be named."""
    drawn = run_plan(wild(2), sessions)

    assert drawn.plan.faults
    assert run_plan(drawn.plan, sessions).world.trace == drawn.world.trace


@pytest.mark.slow
def test_a_seed_gives_the_same_trace_in_every_process(migrated_server: PostgresServer) -> None:
    """Neither the order of sets of text, nor what a process ran before, changes a run."""
    traces = [
        _traces(migrated_server, seeds, hash_seed)
        for seeds, hash_seed in (((3, 4), "0"), ((4, 3), "1"))
    ]

    assert traces[0] == traces[1]


def _traces(server: PostgresServer, seeds: tuple[int, ...], hash_seed: str) -> set[str]:
    name = server.clone()
    command = [sys.executable, "-m", "tests.simulation", "--dsn", server.dsn(name), "trace"]
    done = subprocess.run(
        [*command, *map(str, seeds)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    server.drop(name)
    assert len(done.stdout.splitlines()) == len(seeds)
    return set(done.stdout.splitlines())


@pytest.mark.slow
def test_no_crash_breaks_an_invariant(sessions: Sessions, capsys: pytest.CaptureFixture) -> None:
    """Killed before or after an effect, or at two of them, nothing is lost or doubled."""
    tally = Tally(print)
    effects = run_plan(calm(STORY), sessions).world.effects
    tried = effects[::EVERY]
    plans = chain(exhaustive(calm(STORY), tried), pairs(calm(STORY), effects, 10))
    tally.add_all(plans, sessions)

    assert tally.broken == 0, capsys.readouterr().out
    assert tally.seen["crash before"] >= len(tried) <= tally.seen["crash after"]


@pytest.mark.slow
def test_no_drawn_fault_breaks_an_invariant(
    sessions: Sessions, capsys: pytest.CaptureFixture
) -> None:
    """Lost answers, lost commits, a bus that forgets, a store that is down: nothing shows."""
    tally = Tally(print)
    tally.add_all(map(wild, range(1, 1 + DRAWN)), sessions)

    assert tally.broken == 0, capsys.readouterr().out
    wanted = ("commit unanswered, then asked again", "waited for a lock", "an upload expired")
    assert [what for what in wanted if not tally.seen[what]] == []


@pytest.mark.slow
def test_nobody_shares_with_a_right_that_is_being_taken_back(
    sessions: Sessions, capsys: pytest.CaptureFixture
) -> None:
    """What is shared was allowed in the state just before it, whenever it was asked for."""
    tally = Tally(print)
    tally.add_all(map(quarrel, range(20, 30)), sessions)

    assert tally.broken == 0, capsys.readouterr().out
    wanted = ("share: done", "share: node_not_found")
    assert [what for what in wanted if not tally.seen[what]] == []


@pytest.mark.slow
def test_no_crash_lets_anybody_see_what_is_not_theirs(
    sessions: Sessions, capsys: pytest.CaptureFixture
) -> None:
    """Killed while shares, groups and links change, it decides as the journal tells it."""
    tally, story = Tally(print), commons(STORY)
    tried = run_plan(story, sessions).world.effects[::EVERY]
    tally.add_all(exhaustive(story, tried), sessions)

    assert tally.broken == 0, capsys.readouterr().out
    assert tally.seen["crash before"] >= len(tried) <= tally.seen["crash after"]


@pytest.mark.slow
def test_no_drawn_fault_lets_anybody_see_what_is_not_theirs(
    sessions: Sessions, capsys: pytest.CaptureFixture
) -> None:
    """What was taken back stays so, what was refused changed nothing, and all ways agree."""
    tally = Tally(print)
    tally.add_all(map(shared, range(1, 1 + SHARED)), sessions)

    assert tally.broken == 0, capsys.readouterr().out
    wanted = ("unshare: done", "cut: done", "let in: False", "shut out: session", "moved")
    assert [what for what in wanted if not tally.seen[what]] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_broke_once_stays_whole(sessions: Sessions, path: Path) -> None:
    """A plan that found a defect is kept, and finds nothing any more."""
    assert run_plan(read(path), sessions).broken == ()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(sessions: Sessions, mutant: Mutant, caught: list[str]) -> None:
    """Each classic mistake breaks the invariant that it must break."""
    plans = mutant.plans(MUTANT_RUNS)

    assert any(mutant.caught_by(run_plan(plan, sessions).broken) for plan in plans)
    caught.append(mutant.name)


def test_shrinking_leaves_what_matters() -> None:
    """Delta debugging keeps exactly the items without which nothing fails."""
    assert minimal(range(20), lambda some: {3, 17} <= set(some)) == [3, 17]

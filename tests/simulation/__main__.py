"""The simulator's command line; ``make simulate`` runs it.

run      exhaustive crashes and pairs, then drawn faults, then the mutants
replay   a plan that was kept, with its trace
shrink   a plan that was kept, to the faults and operations that matter
trace    the hash of the trace of some seeds, one a line
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from bitvault.drivers.postgres.sessions import prepare_session
from tests.simulation.draws import calm, commons, exhaustive, pairs, shared, wild
from tests.simulation.making import Mutant
from tests.simulation.mutants import MUTANTS
from tests.simulation.plans import keep, read
from tests.simulation.scenario import run_plan
from tests.simulation.sessions import Sessions
from tests.simulation.shrink import shrink
from tests.simulation.tally import SHARED_SOMETIMES, Tally
from tests.support.postgres import make_template, running_server

_MUTANT_RUNS = 300


def main() -> None:
    """Exit with 1 if an invariant broke, a mutant lived, or something was never visited."""
    options = _parser().parse_args()
    with opened(options.dsn) as sessions:
        fine = {"run": _run, "replay": _replay, "shrink": _shrink, "trace": _trace}[
            options.command
        ](options, sessions)
    sys.exit(0 if fine else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dsn", help="a migrated database of its own; else a server is started")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--stories", type=int, default=1, help="stories killed at every effect")
    run.add_argument("--seeds", type=int, default=200, help="runs with drawn faults")
    run.add_argument("--first", type=int, default=1, help="the first seed")
    run.add_argument("--no-mutants", action="store_true")
    for name in ("replay", "shrink"):
        commands.add_parser(name).add_argument("file", type=Path)
    commands.add_parser("trace").add_argument("seeds", type=int, nargs="+")
    return parser


@contextmanager
def opened(dsn: str | None) -> Iterator[Sessions]:
    """Open a database for the simulated world."""
    if dsn:
        sessions = Sessions(dsn, prepare_session)
        try:
            yield sessions
        finally:
            sessions.close()
        return
    with running_server() as server:
        make_template(server)
        with opened(server.dsn(server.clone())) as sessions:
            yield sessions


def _run(options: argparse.Namespace, sessions: Sessions) -> bool:
    tally = Tally(print)
    for seed in range(options.first, options.first + options.stories):
        for story in (calm(seed), commons(seed)):
            effects = run_plan(story, sessions).world.effects
            plans = chain(exhaustive(story, effects), pairs(story, effects, 40))
            tally.add_all(plans, sessions)
    tally.report("crashes")
    seeds = range(options.first, options.first + options.seeds)
    drawn, sharing = Tally(print), Tally(print, SHARED_SOMETIMES)
    drawn.add_all(map(wild, seeds), sessions)
    drawn.report("drawn faults")
    sharing.add_all(map(shared, seeds), sessions)
    sharing.report("drawn faults among those who share")
    lacking = drawn.lacking() + sharing.lacking()
    if lacking:
        print("never visited:", ", ".join(lacking))
    alive = [] if options.no_mutants else _alive(sessions)
    broken = tally.broken + drawn.broken + sharing.broken
    return not (broken or lacking or alive)


def _alive(sessions: Sessions) -> list[str]:
    alive = [mutant.name for mutant in MUTANTS if not _caught(mutant, sessions)]
    print(f"mutants caught: {len(MUTANTS) - len(alive)} of {len(MUTANTS)}", *alive)
    return alive


def _caught(mutant: Mutant, sessions: Sessions) -> bool:
    for number, plan in enumerate(mutant.plans(_MUTANT_RUNS), 1):
        if mutant.caught_by(run_plan(plan, sessions).broken):
            print(f"  {mutant.name}: {mutant.breaks} after {number} runs")
            return True
    return False


def _replay(options: argparse.Namespace, sessions: Sessions) -> bool:
    plan = read(options.file)
    outcome = run_plan(plan, sessions)
    print(*outcome.world.trace, sep="\n")
    print("knobs:", plan.knobs)
    print("made with:", dict(plan.made_with), "and broke:", *plan.broken)
    print("broken:", *(outcome.broken or ("nothing",)), sep="\n  ")
    return not outcome.broken


def _shrink(options: argparse.Namespace, sessions: Sessions) -> bool:
    small, runs = shrink(read(options.file), sessions)
    path = keep(small, options.file.parent)
    print(f"after {runs} runs: {len(small.faults)} faults,", end=" ")
    print(f"{sum(len(script.ops) for script in small.scripts)} operations: {path}")
    return True


def _trace(options: argparse.Namespace, sessions: Sessions) -> bool:
    for seed in options.seeds:
        print(seed, run_plan(wild(seed), sessions).world.digest())
    return True


if __name__ == "__main__":
    main()

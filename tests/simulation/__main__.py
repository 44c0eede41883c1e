"""``python -m tests.simulation run [--seeds N]`` and ``… replay FILE``."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from bitvault.drivers.postgres.sessions import prepare_session
from tests.simulation.database import Sessions
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.plans import exhaustive, keep, pairs, read
from tests.simulation.scenario import run_plan
from tests.simulation.world import Plan
from tests.support.postgres import make_template, running_server


def main() -> None:
    """Run seeds or replay one plan; exit with 1 if an invariant broke or a mutant lived."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("--seeds", type=int, default=3)
    commands.add_parser("replay").add_argument("file", type=Path)
    options = parser.parse_args()
    with running_server() as server:
        make_template(server)
        sessions = Sessions(server.dsn(server.clone()), prepare_session)
        try:
            fine = (
                _replay(options.file, sessions)
                if options.command == "replay"
                else _run(options.seeds, sessions)
            )
        finally:
            sessions.close()
    sys.exit(0 if fine else 1)


def _replay(file: Path, sessions: Sessions) -> bool:
    outcome = run_plan(read(file), sessions)
    for step in outcome.world.trace:
        print(*step)
    print("broken:", *(outcome.broken or ("nothing",)))
    return not outcome.broken


def _run(seeds: int, sessions: Sessions) -> bool:
    begin, runs, broken, seen = time.perf_counter(), 0, 0, Counter[str]()
    for seed in range(1, seeds + 1):
        effects = run_plan(Plan(seed), sessions).world.effects
        for plan in [*exhaustive(seed, effects), *pairs(seed, 20, most=effects)]:
            outcome = run_plan(plan, sessions)
            runs += 1
            seen.update(outcome.world.seen)
            if outcome.broken:
                broken += 1
                print("BROKEN", *outcome.broken, "replay:", keep(plan))
    rate = runs / (time.perf_counter() - begin)
    print(f"{runs} runs, {rate:.1f} runs/s, {broken} broken; seen: {dict(seen)}")
    caught = [mutant.name for mutant in MUTANTS if _catches(mutant, sessions)]
    print(f"mutants caught: {len(caught)} of {len(MUTANTS)}: {', '.join(caught)}")
    return not broken and len(caught) == len(MUTANTS)


def _catches(mutant: Mutant, sessions: Sessions) -> bool:
    effects = run_plan(Plan(1), sessions).world.effects
    plans = [Plan(1, (), mutant.name), *exhaustive(1, effects, mutant.name)]
    return any(mutant.caught_by(run_plan(plan, sessions).broken) for plan in plans)


if __name__ == "__main__":
    main()

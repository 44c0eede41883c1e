"""``python -m tests.model [--examples N]``: more of the same, and what was seen."""

import argparse
import time

from tests.model.examine import examine
from tests.support.postgres import make_template, running_server


def main() -> None:
    """Run; a difference ends it with the shortest plan that shows it."""
    parser = argparse.ArgumentParser(prog="python -m tests.model")
    parser.add_argument("--examples", type=int, default=1000)
    examples = parser.parse_args().examples
    with running_server() as server:
        make_template(server)
        began = time.perf_counter()
        seen = examine(server.dsn(server.clone()), examples)
    seconds = time.perf_counter() - began
    for what, times in sorted(seen.items()):
        print(f"{times:8} {what}")
    print(f"{examples} plans in {seconds:.0f} s, {seen.total()} answers compared, no difference")


if __name__ == "__main__":
    main()

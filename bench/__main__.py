"""``python -m bench [NAME …]``: the table of ratios, each row as soon as it is known.

``python -m bench versus REV`` compares with the daemon of an older commit; ``--help`` there.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.commit_path import commit_path
from bench.daemon import Daemon, running
from bench.flood import flood
from bench.growth import growth
from bench.large import large
from bench.quoted import quoted
from bench.sharing import sharing
from bench.small import small
from bench.table import Row, head, show
from bench.versus import versus

PARTS: dict[str, Callable[[Daemon, Path], Iterator[Row]]] = {
    "commit": lambda daemon, _: commit_path(daemon),
    "large": large,
    "small": small,
    "growth": lambda daemon, _: growth(daemon),
    "sharing": lambda daemon, _: sharing(daemon),
    "flood": lambda *_: flood(),
    "quoted": lambda daemon, _: quoted(daemon),
}


def main() -> None:
    """Measure the named parts, or all of them, each on a fresh daemon."""
    if sys.argv[1:2] == ["versus"]:
        sys.exit(versus(sys.argv[2:]))
    head()
    for name in sys.argv[1:] or PARTS:
        with tempfile.TemporaryDirectory(prefix="bitvault-bench-") as folder, running() as daemon:
            for row in PARTS[name](daemon, Path(folder)):
                show(row)


if __name__ == "__main__":
    main()

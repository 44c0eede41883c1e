"""Real files through the real thing: in, listed, renamed, versioned, trashed, restored, out.

``python -m bench.demo`` starts a fresh daemon, sends it the running interpreter's standard library
and one 300 MiB file through the command line, gets everything back and compares every byte.
"""

import json
import os
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.daemon import Daemon, running

LARGE = 300 << 20


def main() -> None:
    """Run the demonstration; exit with 1 if a single byte differs."""
    with tempfile.TemporaryDirectory(prefix="bitvault-demo-") as folder, running() as daemon:
        here = Path(folder)
        tree, large = make_tree(here / "lib"), make_large(here / "large.bin")
        rows = [
            timed("put tree", tree, lambda: daemon.cli("put", "-r", tree, "/lib")),
            timed("put large file", large, lambda: daemon.cli("put", large, "/large.bin")),
        ]
        exercise(daemon, here)
        back = here / "back"
        rows += [
            timed("get tree", tree, lambda: daemon.cli("get", "-r", "/library", back / "lib")),
            timed(
                "get large file", large, lambda: daemon.cli("get", "/large.bin", back / "large.bin")
            ),
        ]
        wrong = differences(tree, back / "lib") + differences(large, back / "large.bin")
        report(rows, wrong)
    if wrong:
        raise SystemExit(1)


def make_tree(target: Path) -> Path:
    """Copy the standard library's sources: thousands of small files in many folders."""
    source = sysconfig.get_paths()["stdlib"]
    skip = shutil.ignore_patterns("site-packages", "__pycache__", "*.so", "*.a", "config-*")
    shutil.copytree(source, target, symlinks=False, ignore=skip)
    return target


def make_large(target: Path) -> Path:
    """Write 300 MiB that do not compress and do not repeat."""
    with target.open("wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    return target


def exercise(daemon: Daemon, here: Path) -> None:
    """List, rename a folder, make a version, trash and restore; each must leave the tree whole."""
    listed = daemon.cli("ls", "/lib").stdout
    assert "json" in listed, "the listing lacks a package that was put in"
    daemon.cli("mv", "/lib", "/library")
    note = here / "note.txt"
    for text in ("first", "second"):
        note.write_text(text)
        daemon.cli("put", note, "/note.txt", "--if-exists", "replace")
    assert daemon.cli("cat", "/note.txt").stdout == "second", "the newer version is not current"
    daemon.cli("versions", "restore", "/note.txt", "1")
    assert daemon.cli("cat", "/note.txt").stdout == "first", "the older version did not come back"
    removed = json.loads(daemon.cli("rm", "-r", "/library/json", "--json").stdout)
    assert daemon.cli("ls", "/library/json", check=False).returncode == 4, "trashed, yet listed"
    daemon.cli("trash", "restore", removed["results"][0]["entryId"])


def files_below(path: Path) -> Iterator[Path]:
    """Yield the files of a tree, or the file itself."""
    yield from [path] if path.is_file() else (p for p in sorted(path.rglob("*")) if p.is_file())


def differences(one: Path, other: Path) -> list[str]:
    """Return every path that is missing on one side or differs by a byte."""
    names = {p.relative_to(one) for p in files_below(one)}
    names |= {p.relative_to(other) for p in files_below(other)}
    return [str(name) for name in sorted(names) if not same(one / name, other / name)]


def same(one: Path, other: Path) -> bool:
    """Compare two files byte for byte."""
    if not (one.is_file() and other.is_file()) or one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(1 << 20):
            if chunk != right.read(1 << 20):
                return False
    return True


def timed(what: str, path: Path, work: Callable[[], object]) -> tuple[str, int, int, float]:
    """Run a step; return its name, files, bytes and seconds."""
    begin = time.perf_counter()
    work()
    sizes = [p.stat().st_size for p in files_below(path)]
    return what, len(sizes), sum(sizes), time.perf_counter() - begin


def report(rows: list[tuple[str, int, int, float]], wrong: list[str]) -> None:
    """Print the table."""
    print(f"{'step':16}{'files':>8}{'MiB':>10}{'seconds':>10}{'files/s':>10}{'MiB/s':>10}")
    for what, count, size, seconds in rows:
        mib = size / (1 << 20)
        rates = f"{count / seconds:10.0f}{mib / seconds:10.1f}"
        print(f"{what:16}{count:8}{mib:10.1f}{seconds:10.2f}{rates}")
    print(f"differences: {len(wrong)}")
    for name in wrong[:20]:
        print(f"  {name}")


if __name__ == "__main__":
    main()

"""The tree keeps the shape that its readers rely on."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*(ROOT / "bitvault").rglob("*.py"), *(ROOT / "supervisors").rglob("*.py")])
ATTICS = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"}


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring and signature."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_stays_within_its_budget(path: Path) -> None:
    """Files split at 400 lines, function bodies at 40."""
    long = [f"{f.name}: {body_lines(f)}" for f in functions(path) if body_lines(f) > 40]

    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert long == []


def test_no_module_is_an_attic() -> None:
    """A module is named after what it holds."""
    names = {part for path in PRODUCT for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}

    assert names & ATTICS == set()


def test_each_subject_is_published_by_one_room() -> None:
    """The first word of an event's kind belongs to one room."""
    rooms = defaultdict(set)
    for path in PRODUCT:
        room = path.relative_to(ROOT).parts[2] if "actors" in path.parts else "elsewhere"
        for subject in re.findall(r'kind: ClassVar\[str\] = "(\w+)\.', path.read_text()):
            rooms[subject].add(room)

    assert {"node": {"files"}, "blob": {"storage"}}.items() <= rooms.items()
    assert [subject for subject, owners in rooms.items() if len(owners) > 1] == []

"""The runtime stands alone."""

import ast
import sys
from pathlib import Path

import pytest

import supervisors

PACKAGE = Path(supervisors.__file__).parent
ALLOWED = {"attrs", "outcome", "sniffio", "supervisors", "trio"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_only_trio_attrs_and_the_standard_library(path: Path) -> None:
    """It knows nothing of what runs on it, and needs no asyncio."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").partition(".")[0])

    assert imported <= ALLOWED | (set(sys.stdlib_module_names) - {"asyncio", "time", "datetime"})


def test_everything_public_leaves_through_one_door() -> None:
    """`__all__` is sorted, complete, and true."""
    assert all(hasattr(supervisors, name) for name in supervisors.__all__)
    public = {name for name, value in vars(supervisors).items() if is_ours(name, value)}
    assert public <= set(supervisors.__all__)


def is_ours(name: str, value: object) -> bool:
    """Say whether a name of the package is a public object of its own."""
    return not name.startswith("_") and getattr(value, "__module__", "").startswith("supervisors.")

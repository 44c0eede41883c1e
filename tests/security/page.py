"""``docs/security.md``: every requirement, and the tests that prove it, as they say themselves."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.security.table import CHAPTERS, REQUIREMENTS, SECTIONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
MARK = "requirement"
_HEAD = """\
# Security: requirement and proof

Made by `make golden` from `tests/security/table.py` and from the tests, each of which says what it
proves: `@pytest.mark.requirement("X17")`. The claim is OWASP ASVS 5.0, level 2, for what there is;
what comes with a later part says so. A number that should have a test and has none is **MISSING**.
"""

Proofs = Mapping[str, Sequence[str]]


def proofs() -> Proofs:
    """Return the tests that prove each requirement, as ``tests/file.py::test``."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in _marked(node):
                    found[name].append(f"{path.relative_to(ROOT).as_posix()}::{node.name}")
    return found


def _marked(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(attr=attribute), args=names) if attribute == MARK:
                for name in names:
                    assert isinstance(name, ast.Constant)
                    yield str(name.value)


def missing(found: Proofs) -> Sequence[str]:
    """Return the requirements that should have a test by now."""
    return [name for name, one in REQUIREMENTS.items() if not (one.later or name in found)]


def page(found: Proofs) -> str:
    """Return the page."""
    parts = [_HEAD, _overview(found)]
    for title, (first, last) in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [_entry(f"X{number}", found) for number in range(first, last + 1)]
    return "\n".join(parts)


def _overview(found: Proofs) -> str:
    lines = ["## By chapter of the standard\n", "| # | Requirement | ASVS | Proven by | Remark |"]
    lines.append("|---|---|---|---|---|")
    for name, chapter in CHAPTERS.items():
        proven = ", ".join(f"{one} ({_short(one, found)})" for one in chapter.by)
        lines.append(f"| {name} | {chapter.text} | {chapter.asvs} | {proven} | {chapter.remark} |")
    return "\n".join(lines) + "\n"


def _short(name: str, found: Proofs) -> str:
    if tests := found.get(name):
        return f"{len(tests)} test{'s' if len(tests) > 1 else ''}"
    return f"with {REQUIREMENTS[name].later}" if REQUIREMENTS[name].later else "**MISSING**"


def _entry(name: str, found: Proofs) -> str:
    requirement = REQUIREMENTS[name]
    lines = [f"**{name}. {requirement.text}**"]
    if requirement.remark:
        lines[0] += f" ({requirement.remark})"
    lines.append("")
    lines += [f"- `{test}`" for test in found.get(name, ())]
    if requirement.later and name not in found:
        lines.append(f"- comes with {requirement.later}")
    elif name not in found:
        lines.append("- **MISSING**")
    return "\n".join(lines) + "\n"

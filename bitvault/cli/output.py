"""What a command says: lines for people, or one JSON envelope for programs; and the exit codes."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, TextIO

from attrs import field, frozen

from bitvault.text import category

SCHEMA_VERSION = 1
_BIDI = frozenset(map(chr, [0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


class Exit(IntEnum):
    """Exit codes; stable, scripts rely on them."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    AUTH = 3
    NOT_FOUND = 4
    CONFLICT = 5
    QUOTA = 6
    PARTIAL = 7
    UNAVAILABLE = 8


@frozen
class Report:
    """What a command did: ``results`` for programs, ``lines`` for people.

    ``brief`` is what people get to see of the warnings, when that is not all; ``request_id`` is
    of the first item that the server refused.
    """

    results: Sequence[Any] = ()
    lines: Sequence[str] = ()
    warnings: Sequence[str] = field(factory=tuple)
    code: Exit = Exit.OK
    brief: Sequence[str] | None = None
    summary: Mapping[str, int] | None = None
    request_id: str | None = None


def envelope(command: str, report: Report, error: dict[str, Any] | None = None) -> dict[str, Any]:
    """Build the JSON document of ``--json``."""
    return {
        "ok": report.code == Exit.OK and error is None,
        "schemaVersion": SCHEMA_VERSION,
        "command": command,
        "results": list(report.results),
        "warnings": list(report.warnings),
        "error": error,
        **({} if report.summary is None else {"summary": dict(report.summary)}),
    }


def write_report(command: str, report: Report, *, as_json: bool, to: TextIO | None = None) -> None:
    """Write what was done: results to stdout (or ``to``), warnings to stderr."""
    if as_json:
        error = None
        if report.code != Exit.OK:
            detail = "Some items failed; see warnings."
            error = {"code": "partial", "detail": detail, "requestId": report.request_id}
        _envelope(envelope(command, report, error), to)
        return
    for line in report.lines:
        _line(printable(line), to)
    for warning in report.warnings if report.brief is None else report.brief:
        _line(printable(f"bitvault: {warning}"), sys.stderr)


def write_failure(
    detail: str,
    code: str,
    *,
    as_json: bool,
    command: str = "",
    hint: str = "",
    request_id: str | None = None,
    to: TextIO | None = None,
) -> None:
    """Write why a command failed, and what to do next."""
    if as_json:
        error = {"code": code, "detail": detail, "requestId": request_id}
        _envelope(envelope(command, Report(code=Exit.INTERNAL), error), to)
        return
    trailer = f" [request {request_id}]" if request_id else ""
    _line(printable(f"bitvault: {detail}{trailer}"), sys.stderr)
    if hint:
        _line(f"  {hint}", sys.stderr)


def printable(text: str) -> str:
    r"""Write control characters as ``\x1b``: a name must not move the cursor, or end a line.

    So too what changes the direction of the text, as it would show another name.
    """
    return "".join(_escaped(one) if _is_control(one) else one for one in text)


def _is_control(one: str) -> bool:
    return category(one) in {"Cc", "Cs", "Zl", "Zp"} or one in _BIDI


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")


def _envelope(document: dict[str, Any], to: TextIO | None) -> None:
    text = json.dumps(document, ensure_ascii=False)
    # JSON leaves DEL and the C1 controls as they are; a terminal does not.
    _line(re.sub("[\x7f-\x9f\ud800-\udfff]", lambda one: f"\\u{ord(one[0]):04x}", text), to)


def _line(text: str, to: TextIO | None = None) -> None:
    """Print a line; a name that the terminal's encoding lacks must not end the command."""
    stream = to or sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def counted(number: int, noun: str) -> str:
    """Render a number of things: ``1 file``, ``2 files``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def human_size(size: float) -> str:
    """Render bytes for people: ``1.5 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024 or unit == "TiB":  # noqa: PLR2004 - the factor between the units
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"

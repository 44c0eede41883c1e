"""What a command says: lines for people, or one JSON envelope for programs; and the exit codes."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from attrs import field, frozen

SCHEMA_VERSION = 1


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


def write_report(command: str, report: Report, *, as_json: bool) -> None:
    """Write what was done: results to stdout, warnings to stderr."""
    if as_json:
        error = None
        if report.code != Exit.OK:
            detail = "Some items failed; see warnings."
            error = {"code": "partial", "detail": detail, "requestId": report.request_id}
        _line(json.dumps(envelope(command, report, error), ensure_ascii=False))
        return
    for line in report.lines:
        _line(line)
    for warning in report.warnings if report.brief is None else report.brief:
        print(f"bitvault: {warning}", file=sys.stderr)  # noqa: T201 - this is the output


def write_failure(
    detail: str,
    code: str,
    *,
    as_json: bool,
    command: str = "",
    hint: str = "",
    request_id: str | None = None,
) -> None:
    """Write why a command failed, and what to do next."""
    if as_json:
        error = {"code": code, "detail": detail, "requestId": request_id}
        _line(json.dumps(envelope(command, Report(), error), ensure_ascii=False))
        return
    trailer = f" [request {request_id}]" if request_id else ""
    print(f"bitvault: {detail}{trailer}", file=sys.stderr)  # noqa: T201 - this is the output
    if hint:
        print(f"  {hint}", file=sys.stderr)  # noqa: T201 - this is the output


def _line(text: str) -> None:
    """Print to stdout; a name that the terminal's encoding lacks must not end the command."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201


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

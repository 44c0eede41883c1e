"""What a transfer of files comes to, for people and for programs."""

from collections.abc import Sequence

from bitvault.cli.failures import hint, said
from bitvault.cli.output import Exit, Report, counted, human_size
from bitvault.cli.progress import Terminal
from bitvault.cli.render import plain
from bitvault.client.errors import BitVaultError
from bitvault.client.results import Missed, TreeResult

MOST_LINES = 10
"""Of one kind, for people; programs get all."""


def report(
    results: Sequence[TreeResult], progress: Terminal, done: str, place: object = None
) -> Report:
    """Sum up what was transferred; anything that failed makes it partial.

    ``place`` is the remote one.
    """
    nodes = [plain(node) for one in results for node in one.nodes]
    missed = [miss for one in results for miss in one.missed]
    skipped = [path for one in results for path in one.skipped]
    unchanged = sum(one.unchanged for one in results)
    folders = sum(one.folders for one in results)
    size = sum(one.bytes for one in results)
    summary = {
        "transferred": len(nodes),
        "unchanged": unchanged,
        "skipped": len(skipped),
        "failed": len(missed),
        "folders": folders,
        "bytes": size,
    }
    line = f"{counted(len(nodes), 'file')} {done} ({human_size(size)})"
    line += "".join(
        f", {summary[word]} {word}" for word in ("unchanged", "skipped") if summary[word]
    )
    line += f", {len(missed)} failed" if missed else ""
    line += f"; {counted(folders, 'folder')} made" if folders else ""
    failures = [f"{miss.path}: {said(miss.error)}" for miss in missed]
    return Report(
        nodes,
        [line],
        [*progress.notes, *(f"{path}: exists; skipped" for path in skipped), *failures],
        Exit.PARTIAL if missed else Exit.OK,
        brief=[*few(progress.notes), *few(failures), *_steps(missed, place)],
        summary=summary,
        request_id=request_of(missed),
    )


def _steps(missed: Sequence[Missed], place: object) -> list[str]:
    """Return what helps against failures that are of the space, or of the store, not of a file."""
    errors = [miss.error for miss in missed if isinstance(miss.error, BitVaultError)]
    shared = {
        hint(error, place=place)
        for error in errors
        if error.code in {"quota_exceeded", "unreachable", "wrong_answer"}
    }
    return sorted(shared)


def request_of(missed: Sequence[Missed]) -> str | None:
    """Return the id of the first request that the server refused, to look for in its log."""
    ids = (getattr(miss.error, "request_id", None) for miss in missed)
    return next((each for each in ids if each), None)


def few(lines: Sequence[str]) -> list[str]:
    """Cut a long list of one kind short, saying how much is left out."""
    if len(lines) <= MOST_LINES:
        return list(lines)
    return [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more like these (--json: all)"]

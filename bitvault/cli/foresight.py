"""``put --dry-run``: what would be sent, and what would not."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from bitvault.cli.failures import said
from bitvault.cli.output import Exit, Report, counted, human_size
from bitvault.cli.summary import few
from bitvault.client.compare import Changed, New, Refused, Skipped, Unchanged, Verdict
from bitvault.client.errors import BitVaultError
from bitvault.client.tree_plan import plan_tree
from bitvault.client.uploads import Uploader

_WORDS = {New: "send", Changed: "send", Unchanged: "unchanged", Skipped: "skip", Refused: "fail"}


@frozen
class Planned:
    """What would become of one file; ``source`` is local, ``place`` remote, ``size`` in bytes."""

    source: str
    place: str
    size: int
    verdict: Verdict
    number: int = 1
    """How many files it stands for."""


def plan_folder(
    uploader: Uploader, root: Path, target: str, if_exists: str, *, follow: bool
) -> Iterator[Planned]:
    """Say what would become of each file of a tree; those that are the same are one number.

    Raises:
        BitVaultError: the server could not be asked.
    """
    target = target.rstrip("/")
    plan = plan_tree(uploader, root, target, if_exists, ask=True, follow=follow)
    for file in plan.files:
        base = plan.bases.get(file.relative)
        verdict = New() if base is None else Changed(base)
        place = f"{target}/{file.relative}"
        yield Planned(str(file.source.path), place, file.source.size, verdict)
    for relative in plan.skipped:
        yield Planned(str(root / relative), f"{target}/{relative}", 0, Skipped())
    for miss in plan.missed:
        error = miss.error if isinstance(miss.error, BitVaultError) else _unread(miss.error)
        yield Planned(str(root / miss.path), f"{target}/{miss.path}", 0, Refused(error))
    if plan.unchanged:
        yield Planned(str(root), target, 0, Unchanged(), plan.unchanged)


def _unread(error: OSError) -> BitVaultError:
    return BitVaultError(said(error))


def planned(found: Sequence[Planned], notes: Sequence[str]) -> Report:
    """List what would be done, and sum it up when it is more than one file."""
    refused = [(one, one.verdict.error) for one in found if isinstance(one.verdict, Refused)]
    if len(found) == 1 and refused:
        raise refused[0][1]
    results = [
        {
            "source": one.source,
            "path": one.place,
            "size": one.size,
            "would": _WORDS[type(one.verdict)],
            "files": one.number,
        }
        for one in found
    ]
    lines = [line for one in found if (line := _line(one))]
    fails = [f"would fail: {one.source}: {said(error)}" for one, error in refused]
    if len(found) > 1 or any(one.number > 1 for one in found):
        lines.append(_sum(found))
    code = Exit.PARTIAL if refused else Exit.OK
    return Report(results, lines, [*notes, *fails], code, brief=[*few(notes), *few(fails)])


def _line(one: Planned) -> str:
    match one.verdict:
        case New():
            return f"would put {one.source} to {one.place}"
        case Changed(version):
            return f"would put {one.source} to {one.place}, after its version {version}"
        case Skipped():
            return f"would skip {one.source}: {one.place} exists"
        case Unchanged() if one.number == 1:
            return f"would leave {one.source}: unchanged"
    return ""


def _sum(found: Sequence[Planned]) -> str:
    count: Counter[str] = Counter()
    for one in found:
        count[_WORDS[type(one.verdict)]] += one.number
    size = human_size(sum(one.size for one in found))
    text = f"would send {counted(count['send'], 'file')} ({size})"
    words = {"unchanged": "unchanged", "skip": "skipped", "fail": "failed"}
    return text + "".join(f", {count[key]} {word}" for key, word in words.items() if count[key])

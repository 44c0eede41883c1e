"""What is to be done for a tree to be on the server: decided before the first byte travels."""

from pathlib import Path

from attrs import evolve, field, frozen

from bitvault.client.compare import Changed, New, Refused, Skipped, Unchanged, Verdict, foresee
from bitvault.client.errors import NamesCollide
from bitvault.client.remote_tree import RemoteTree, remote_tree
from bitvault.client.results import Missed
from bitvault.client.uploads import Uploader
from bitvault.client.walk import LocalFile, LocalFolder, Twins, Unreadable, walk
from bitvault.client.workers import Failed, each


@frozen
class TreePlan:
    """The files to send, each with the version it replaces (None: the server has none)."""

    folders: list[LocalFolder] = field(factory=list)
    files: list[LocalFile] = field(factory=list)
    bases: dict[str, int] = field(factory=dict)
    unchanged: int = 0
    skipped: list[str] = field(factory=list)
    missed: list[Missed] = field(factory=list)
    has_target: bool = False
    settled: list[LocalFile] = field(factory=list)
    """Those that need not be sent."""


def plan_tree(
    uploader: Uploader, root: Path, target: str, if_exists: str, *, ask: bool, follow: bool
) -> TreePlan:
    """Look at everything below ``root``, and (``ask``) at what the server has of it.

    Raises:
        BitVaultError: a remote folder could not be listed.
    """
    wanted: list[LocalFile | LocalFolder] = []
    missed = []
    for entry in walk(root, uploader.progress.note, follow=follow):
        if isinstance(entry, Twins):
            missed.append(Missed(entry.relative, NamesCollide(entry.others)))
        elif isinstance(entry, Unreadable):
            missed.append(Missed(entry.relative, entry.error))
        else:
            wanted.append(entry)
    there = RemoteTree()
    if ask:
        there = remote_tree(uploader.client, uploader.jobs, target, wanted)
    has_target = there.root is not None and there.root.kind == "folder"
    plan = TreePlan(missed=missed, has_target=has_target)
    for entry in wanted:
        if isinstance(entry, LocalFolder):
            node = there.at(entry.relative)
            if node is None or node.kind != "folder":
                plan.folders.append(entry)
    files = [entry for entry in wanted if isinstance(entry, LocalFile)]
    return _judged(plan, uploader.jobs, files, there, if_exists)


def _judged(
    plan: TreePlan, jobs: int, files: list[LocalFile], there: RemoteTree, if_exists: str
) -> TreePlan:
    """Sort the files by what is to become of them."""

    def judge(file: LocalFile) -> Verdict:
        name = file.relative.rpartition("/")[2]
        return foresee(file.source, name, there.at(file.relative), if_exists)

    # Without anything there it is not worth a thread.
    verdicts = each(jobs, judge, files) if there.nodes else [New()] * len(files)
    unchanged = 0
    for file, verdict in zip(files, verdicts, strict=True):
        match verdict:
            case New():
                plan.files.append(file)
            case Changed(version):
                plan.files.append(file)
                plan.bases[file.relative] = version
            case Unchanged():
                unchanged += 1
                plan.settled.append(file)
            case Skipped():
                plan.skipped.append(file.relative)
                plan.settled.append(file)
            case Refused(error):
                plan.missed.append(Missed(file.relative, error))
            case Failed(_, error):
                plan.missed.append(Missed(file.relative, error))
    return evolve(plan, unchanged=unchanged)

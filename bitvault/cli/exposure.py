"""``--dry-run`` of what changes who has access: who would gain or lose it."""

from typing import Any

from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain
from bitvault.client.client import Client
from bitvault.wire.sharing import AccessPreview, Grantee, Shift


def foresee(client: Client, node_id: object, change: dict[str, Any]) -> AccessPreview:
    """Ask what would come of a change.

    Raises:
        Problem: the server says no; whoever may not share a node is told nothing.
    """
    return client.rest.call(
        "POST", f"/v1/files/{node_id}/access/preview", AccessPreview, body=change
    )


def foreseen(what: str, preview: AccessPreview) -> Report:
    """Say what would be done, and for whom that makes a difference."""
    return Report([plain(preview)], [what, *told(preview)])


def told(preview: AccessPreview) -> list[str]:
    """Say who would gain or lose access, one a line, and to how much."""
    lines = [_line(one) for one in preview.shifts]
    left = preview.gains + preview.losses - len(preview.shifts)
    lines += [f"  and {left} more"] if left > 0 else []
    lines = [*lines, _extent(preview)] if lines else ["nobody would gain or lose access"]
    cut = "  (of the members of the space only the first ten thousand, and managers, are looked at)"
    return [*lines, cut] if preview.partial else lines


def _line(one: Shift) -> str:
    who = name_of(one.grantee)
    if one.before == one.after:
        verb = "would also" if one.gains else "would no longer"
        return f"  {who} {verb} {' and '.join(one.gains or one.losses)}"
    if one.before is None:
        return f"  {who} would be {one.after}"
    if one.after is None:
        return f"  {who} would lose access (is {one.before})"
    return f"  {who} would be {one.after} (is {one.before})"


def _extent(preview: AccessPreview) -> str:
    sign = "+" if preview.more else ""
    what = "file or folder" if preview.nodes == 1 else "files and folders"
    return f"  of {preview.nodes:,}{sign} {what} ({human_size(preview.size)}{sign})"


def name_of(grantee: Grantee) -> str:
    """Return what people call a grantee."""
    if grantee.kind == "everyone":
        return "everyone"
    if grantee.kind == "link" and not grantee.id.int:
        return "whoever has the link"
    return grantee.name or str(grantee.id)

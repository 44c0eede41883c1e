"""Conditional requests (RFC 9110 §13): ETags are revisions, ``"7"``."""

import re

from bitvault.actors.files.contract import GetNode, StaleRevision, Target
from bitvault.http.call import Call
from bitvault.http.problems import invalid
from bitvault.kernel.refusal import Refusal

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')
_REVISION = re.compile(r"[0-9]{1,18}")


def etag(revision: int) -> str:
    """Render a revision as a strong entity tag."""
    return f'"{revision}"'


def revision_of(tag: str | None) -> int | None:
    """Read a strong tag back; the shape has checked its form."""
    return None if tag is None else int(tag.strip('"'))


def is_known(header: str | None, revision: int) -> bool:
    """Say whether If-None-Match names this revision, by weak comparison."""
    if header is None:
        return False
    return header.strip() == "*" or str(revision) in [tag for _, tag in _tags(header)]


async def expected_revision(call: Call[object, object], target: Target) -> int | Refusal | None:
    """Read If-Match: the revision the node must have, None for any.

    A list, or a tag that can't be ours, is compared with the node as it is; the room compares
    the chosen revision again in its own transaction.
    """
    header = call.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = _tags(header, "If-Match")
    strong = [int(tag) for weak, tag in tags if not weak and _REVISION.fullmatch(tag)]
    if len(tags) == len(strong) == 1:
        return strong[0]
    node = await call.files.ask(GetNode(call.caller, target))
    if isinstance(node, Refusal):
        return node
    return node.revision if node.revision in strong else StaleRevision(node.revision)


def single_revision(call: Call[object, object]) -> int | None:
    """Read an If-Match of one tag, where the room alone knows the revision."""
    header = call.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = _tags(header, "If-Match")
    if len(tags) != 1:
        raise invalid("If-Match", "must be one entity tag here")
    weak, tag = tags[0]
    # A tag that is not ours matches no revision, and revisions start at 1.
    return int(tag) if not weak and _REVISION.fullmatch(tag) else -1


def _tags(header: str, name: str = "If-None-Match") -> list[tuple[bool, str]]:
    found, place = [], 0
    while match := _TAG.match(header, place):
        found.append((bool(match[1]), match[2]))
        place = match.end()
        if place == len(header):
            return found
        if header[place] != ",":
            break
        place += 1
    raise invalid(name, 'must be * or entity tags such as "7"')

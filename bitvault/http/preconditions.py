"""Conditional requests (RFC 9110 §13).

A tag is ``"STATE-SHOWN"``: what can be changed (a node's or space's revision, a member's role),
and a digest of what is shown beside it and changes by itself (a path when a folder above moves,
the bytes in use). If-None-Match looks at all of the tag, so nothing old is taken for new. If-Match
looks at the state alone: another's upload is no reason not to rename a space. What has no state of
its own is tagged by a digest of its JSON.
"""

import re
from hashlib import blake2b
from typing import TypeVar

import msgspec

from bitvault.actors.files.contract import GetNode, Role, StaleRevision, Target
from bitvault.edge.rejections import Rejected, invalid
from bitvault.http.call import Call
from bitvault.kernel.refusal import Refused

S = TypeVar("S", bound=msgspec.Struct)

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')
_REVISION = re.compile(r"([0-9]{1,18})(?:-[0-9a-f]*)?")


def etag(state: object, shown: msgspec.Struct | str) -> str:
    """Render a strong entity tag of a state, and of what is shown beside it."""
    raw = shown.encode() if isinstance(shown, str) else msgspec.json.encode(shown)
    return f'"{state}-{_digest(raw)}"'


def tagged(state: object, shown: S) -> S:
    """Return what is shown with its entity tag."""
    return msgspec.structs.replace(shown, etag=etag(state, shown))


def etag_of(body: bytes) -> str:
    """Render a strong entity tag of what has no state but its JSON."""
    return f'"{_digest(body)}"'


def revision_of(tag: str | None) -> int | None:
    """Read the revision of a strong tag; the shape has checked its form."""
    return None if tag is None else int(tag.strip('"').partition("-")[0])


def is_known(header: str | None, tag: str) -> bool:
    """Say whether If-None-Match names this tag, by weak comparison."""
    if header is None:
        return False
    return header.strip() == "*" or tag.strip('"') in [named for _, named in _tags(header)]


def matches(header: str, tag: str) -> bool:
    """Say whether If-Match names this tag, by strong comparison."""
    if header.strip() == "*":
        return True
    named = [one for weak, one in _tags(header, "If-Match") if not weak]
    return tag.strip('"') in named


def unmatched(detail: str = "If-Match: the resource has changed; read it again.") -> Rejected:
    """Refuse a change whose condition does not hold."""
    return Rejected("precondition_failed", detail)


async def expected_revision(call: Call[object, object], target: Target) -> int | None:
    """Read If-Match: the revision the node must have, None for any.

    A list, or a tag that can't be ours, is compared with the node as it is; the room compares
    the chosen revision again in its own transaction.
    """
    header = call.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = _tags(header, "If-Match")
    strong = [int(found[1]) for found in _strong(tags) if found]
    if len(tags) == len(strong) == 1:
        return strong[0]
    node = await call.ask(GetNode(call.caller, target))
    if node.revision not in strong:
        raise Refused(StaleRevision(node.revision))
    return node.revision


def single_revision(call: Call[object, object]) -> int | None:
    """Read an If-Match of one tag, where the room alone knows the revision."""
    header = call.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = _tags(header, "If-Match")
    if len(tags) != 1:
        raise invalid("If-Match", "must be one entity tag here")
    (found,) = _strong(tags)
    # A tag that is not ours matches no revision, and revisions start at 1.
    return int(found[1]) if found else -1


def expected_roles(call: Call[object, object]) -> frozenset[Role | None] | None:
    """Read which roles a member may have before a change, None standing for no member.

    ``If-Match: *`` is any role, ``If-None-Match: *`` is no member yet; without either: whatever.
    """
    match, none = call.headers.get("If-Match"), call.headers.get("If-None-Match")
    if none is not None:
        if match is not None or none.strip() != "*":
            raise invalid("If-None-Match", "must be * here, and without If-Match")
        return frozenset({None})
    if match is None:
        return None
    if match.strip() == "*":
        return frozenset(Role)
    words = {tag.partition("-")[0] for weak, tag in _tags(match, "If-Match") if not weak}
    return frozenset(role for role in Role if role.value in words)


def _strong(tags: list[tuple[bool, str]]) -> list[re.Match[str] | None]:
    return [None if weak else _REVISION.fullmatch(tag) for weak, tag in tags]


def _digest(shown: bytes) -> str:
    return blake2b(shown, digest_size=6).hexdigest()


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

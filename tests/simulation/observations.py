"""What clients saw, in the oracle's words: what was asked, when, and what came back."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import define, field, frozen

TAGS, SMALL = 6, 3
"""How many contents there are, and how many of them are sent with one PUT."""


@frozen
class Step:
    """One thing asked for, with everything that was only known when it was sent."""

    kind: str
    path: str = ""
    to: str = ""
    name: str = ""
    if_exists: str = "fail"
    entry: UUID | None = None
    version: int | None = None
    """For a revert the version wanted, for an upload its base version."""
    hash: str = ""
    size: int = 0


@frozen
class Done:
    """It was done. ``seq`` is the event's, None when there was nothing to change."""

    node_id: UUID
    seq: int | None
    version: int | None = None
    name: str = ""
    entry: UUID | None = None


@frozen
class No:
    """It was refused."""

    code: str


@frozen
class Listed:
    """What a folder held."""

    folder: UUID | None
    names: tuple[str, ...]


@frozen
class Unknown:
    """The client never heard; it may have happened, once."""


@frozen
class Nothing:
    """Nothing was to happen: an upload that was aborted, or left to expire."""


Answer = Done | No | Listed | Unknown | Nothing


@define
class Observation:
    """One request and its repeats. ``lo`` and ``hi``: the journal's last seq before and after."""

    request: str
    tenant: UUID
    user: UUID
    login: str
    steps: list[Step]
    lo: int
    hi: int = 0
    answers: list[Answer] = field(factory=list)
    opened: int = 0
    """For uploads: the journal's last seq when the last init was answered."""
    interrupted: bool = False
    """Whether some answer on the way was lost, or said that something is down."""


def content_of(tag: int) -> bytes:
    """Return the content a tag stands for: the first three are small, the others have parts."""
    return (f"content {tag} " * (1 if tag < SMALL else tag)).encode()


def type_of(tag: int) -> str:
    """Return the media type that all clients send with a content."""
    return f"application/x-tag-{tag}"


def modified_of(tag: int) -> datetime:
    """Return when all clients say that a content was changed."""
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=tag)


def hash_of(content: bytes, single_max: int, part: int) -> str:
    """Return the hash of a content as DESIGN §6 writes it."""
    if len(content) <= single_max:
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    digests = [hashlib.sha256(each).digest() for each in parts_of(content, part)]
    return f"sha256-{len(digests)}:{hashlib.sha256(b''.join(digests)).hexdigest()}"


def parts_of(content: bytes, part: int) -> list[bytes]:
    """Cut a content into its parts."""
    return [content[at : at + part] for at in range(0, len(content), part)]

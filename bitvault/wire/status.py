"""The live supervision tree."""

from typing import Annotated, Any

from msgspec import Meta

from bitvault.wire.fields import ResponseShape


class ChildStatus(ResponseShape, frozen=True, kw_only=True):
    """A child of the supervision tree, as it is now."""

    id: str
    path: str
    kind: str
    state: str
    restarts: int
    uptime: Annotated[float | None, Meta(description="Seconds in this life; null: not running.")]
    last_error: str | None
    mailbox_depth: int | None
    statistics: Annotated[
        dict[str, Any] | None, Meta(description="What the child counts: mailbox, pool, lag.")
    ]
    children: tuple["ChildStatus", ...] = ()


class ConsumerLag(ResponseShape, frozen=True, kw_only=True):
    """How far a consumer is behind: events, the age of the oldest, and its dead letters."""

    name: str
    lag: int
    seconds: float
    dead_letters: int


class Disk(ResponseShape, frozen=True, kw_only=True):
    """The disk of what runs embedded; ``isShort``: nothing is written until there is room."""

    free: int
    reserve: int
    is_short: bool


class Dependency(ResponseShape, frozen=True, kw_only=True):
    """A system it stands on, as last looked at, ``age`` seconds ago; ``error`` is for operators."""

    name: str
    is_up: bool
    age: float
    seconds: Annotated[float, Meta(description="How long the answer took.")]
    error: str | None


class Status(ResponseShape, frozen=True, kw_only=True):
    """The whole daemon."""

    version: str
    ready: bool
    tree: ChildStatus
    consumers: tuple[ConsumerLag, ...] = ()
    disk: Disk | None = None
    dependencies: tuple[Dependency, ...] = ()


class Health(ResponseShape, frozen=True, kw_only=True):
    """Whether it lives, or is ready; ``waitingFor`` are paths of the tree, and systems."""

    status: str
    waiting_for: tuple[str, ...] = ()

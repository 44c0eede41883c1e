"""What happened, as frozen values to one observer; formatted nowhere here (OTP `report_error`).

An observer is a plain function. It must neither block nor raise: it runs inside the supervisor,
and what it raises crashes the supervisor.
"""

from collections.abc import Callable

import attrs

__all__ = [
    "ChildCrashed",
    "ChildKilled",
    "ChildStarted",
    "ChildStopped",
    "ChildStuck",
    "Observer",
    "Report",
    "RestartScheduled",
    "StartRefused",
    "SupervisorGaveUp",
    "TreeStarted",
    "TreeStopped",
]


@attrs.frozen
class Report:
    """Something happened to the child or supervisor at `path`."""

    path: str


@attrs.frozen
class ChildStarted(Report):
    """A child can answer: it called `started()`. `restarts` is 0 for its first life."""

    restarts: int


@attrs.frozen
class ChildCrashed(Report):
    """A child ended abnormally; `stopping` says that it had been asked to end by then."""

    supervisor: str
    child: str
    reason: BaseException
    restarts: int
    stopping: bool = False


@attrs.frozen
class StartRefused(Report):
    """A child ended before it called `started()`; `reason` is None if it just returned."""

    supervisor: str
    child: str
    reason: BaseException | None
    restarts: int


@attrs.frozen
class ChildStopped(Report):
    """A child ended normally; `asked` says whether it had been told to."""

    asked: bool


@attrs.frozen
class ChildKilled(Report):
    """A child was cancelled: it outlived its `shutdown` seconds or was to be killed brutally."""


@attrs.frozen
class ChildStuck(Report):
    """A child ignores its kill (a thread, a shielded block): the OS process should exit."""

    seconds: float


@attrs.frozen
class RestartScheduled(Report):
    """A child will be started again in `delay` seconds; its `restarts`-th restart."""

    delay: float
    restarts: int


@attrs.frozen
class SupervisorGaveUp(Report):
    """More than `intensity` restarts within the period; the children are stopped next."""

    child: str
    reason: BaseException | None


@attrs.frozen
class TreeStarted(Report):
    """Every child of the tree has started."""


@attrs.frozen
class TreeStopped(Report):
    """The tree has ended; `reason` is None if it had been asked to."""

    reason: BaseException | None


Observer = Callable[[Report], None]

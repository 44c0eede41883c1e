"""The live tree as frozen values, for a status page."""

from typing import Literal

import attrs

__all__ = ["ChildCounts", "ChildStatus", "SupervisorStatistics"]


@attrs.frozen
class ChildStatus:
    """One child as it is now.

    Attributes:
        id: Id in its supervisor.
        path: Ids from the root, joined by "/".
        kind: "worker" or "supervisor".
        state: "waiting" (for its turn or its backoff), "starting", "running", "stopping",
            "stopped".
        restarts: How often this supervisor incarnation started it again.
        last_error: What ended its last abnormal life, `Type: message`; None if nothing did.
        started_at: `trio.current_time()` of its last `started()`, seconds; None if not running.
        statistics: What the child itself counts (a mailbox, a pool), or None.
        children: Those of a running supervisor, in start order.
    """

    id: str
    path: str
    kind: Literal["worker", "supervisor"]
    state: str
    restarts: int
    last_error: str | None
    started_at: float | None
    statistics: object
    children: tuple["ChildStatus", ...]


@attrs.frozen
class ChildCounts:
    """OTP `count_children`: all specs; running children; supervisors and workers, alive or not."""

    specs: int
    active: int
    supervisors: int
    workers: int


@attrs.frozen
class SupervisorStatistics:
    """What a supervisor counts: children, those running, restarts ever and within the period."""

    children: int
    running: int
    restarts: int
    restarts_in_period: int

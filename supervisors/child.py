"""What a child sees of the runtime: its path, the readiness handshake, and the polite stop."""

from collections.abc import Callable

import attrs
import trio

from supervisors.report import Observer
from supervisors.status import ChildStatus

__all__ = ["Child", "Tree"]


@attrs.define(eq=False)
class Tree:
    """What all children of one `run_tree` share."""

    observer: Observer
    root: Callable[[], ChildStatus] | None = None

    def status(self) -> ChildStatus:
        """Return the whole tree as it is now."""
        if self.root is None:
            raise RuntimeError("the tree has not started yet")
        return self.root()


@attrs.define(eq=False)
class Child:
    """One life of a child, as given to its `start`.

    Attributes:
        path: Ids from the root, joined by "/".
        tree: The tree it lives in; `child.tree.status()` shows all of it.
        stopping: Set when a polite stop is asked: finish what is queued and return. Fit for
            anything that waits for a trigger (`shutdown_trigger=child.stopping.wait`).
        statistics: Set it to show something on the status page.
        children: Set by supervisors, likewise.
    """

    path: str
    tree: Tree
    _on_started: Callable[[object], None]
    stopping: trio.Event = attrs.field(factory=trio.Event, init=False)
    statistics: Callable[[], object] | None = attrs.field(default=None, init=False)
    children: Callable[[], tuple[ChildStatus, ...]] | None = attrs.field(default=None, init=False)
    has_started: bool = attrs.field(default=False, init=False)

    def started(self, value: object = None) -> None:
        """Say that this child can answer now; the next sibling starts only then.

        Args:
            value: What `Supervisor.start_child` returns.

        Raises:
            RuntimeError: Called twice in one life.
        """
        if self.has_started:
            raise RuntimeError(f"{self.path} called started() twice")
        self.has_started = True
        self._on_started(value)

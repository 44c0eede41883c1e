"""Which request from outside something is done for: in the context, and from process to process."""

from contextvars import ContextVar

from attrs import frozen


@frozen
class Cause:
    """A request at an edge."""

    request_id: str = ""
    traceparent: str = ""
    """W3C Trace Context, if its sender takes part in one."""


cause: ContextVar[Cause] = ContextVar("cause", default=Cause())  # noqa: B039 - it is frozen

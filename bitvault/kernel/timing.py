"""How long a request waited for the database: carried in its context, read by the access log."""

from contextvars import ContextVar

from attrs import define


@define
class Spent:
    """Mutable on purpose: the driver adds to it from whichever task serves the request."""

    database_seconds: float = 0.0
    database_statements: int = 0


spent: ContextVar[Spent | None] = ContextVar("spent", default=None)

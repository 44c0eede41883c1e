"""Logs of the tests' own process."""

from typing import Any

import structlog
from structlog.typing import EventDict


def _refuse_undeclared(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Fail where a service refuses with what its request does not declare."""
    assert event["event"] != "undeclared refusal", event
    return event


def configure() -> None:
    """Write tracebacks as the interpreter does: drawn by rich, with locals, one takes seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _refuse_undeclared,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )

"""Logs of the tests' own process."""

import structlog


def configure() -> None:
    """Write tracebacks as the interpreter does: drawn by rich, with locals, one takes seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )

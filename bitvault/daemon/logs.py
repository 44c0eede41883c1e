"""Structured logs on standard error, and the supervisor's reports as log lines."""

import logging
import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict

from bitvault.kernel.settings import Log
from supervisors import (
    ChildCrashed,
    ChildKilled,
    ChildStarted,
    ChildStuck,
    Report,
    RestartScheduled,
    StartRefused,
    SupervisorGaveUp,
)

_JSON = msgspec.json.Encoder(enc_hook=repr)
_QUIET = ("hypercorn.access", "hypercorn.error", "botocore", "aiobotocore", "httpx", "httpcore")


def configure(log: Log) -> None:
    """Set up structlog: JSON lines, or text for a person at a terminal."""
    text = log.format == "text" or (log.format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[log.level.upper()]
    render = structlog.dev.ConsoleRenderer() if text else _to_json
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def _to_json(_logger: Any, _method: str, event: EventDict) -> str:
    """Encode a line; what JSON has no form for is shown as Python shows it."""
    return _JSON.encode(event).decode()


def observe(report: Report) -> None:
    """Log what the supervisors report: crashes as errors, the rest quietly."""
    log = structlog.get_logger("supervisor")
    match report:
        case ChildCrashed(path=path, reason=reason, restarts=restarts):
            log.error("child crashed", path=path, restarts=restarts, exc_info=reason)
        case StartRefused(path=path, reason=reason):
            log.error("child did not start", path=path, error=str(reason))
        case SupervisorGaveUp(path=path, child=child):
            log.critical("supervisor gave up", path=path, child=child)
        case ChildKilled(path=path):
            log.warning("child did not stop in time", path=path)
        case ChildStuck(path=path):
            log.critical("child does not end even when cancelled", path=path)
        case RestartScheduled(path=path, delay=delay, restarts=restarts):
            log.warning("restarting", path=path, delay=delay, restarts=restarts)
        case ChildStarted(path=path, restarts=restarts):
            log.debug("child started", path=path, restarts=restarts)
        case _:
            log.debug(type(report).__name__, path=report.path)

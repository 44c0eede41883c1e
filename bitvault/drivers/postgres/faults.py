"""Which PostgreSQL errors mean what: try again, the server is down, or a defect of ours."""

import asyncpg

SYSTEM = "postgresql"

RETRIED: tuple[type[Exception], ...] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
"""PostgreSQL asks for the whole transaction again: 40001 and 40P01."""

CANNOT_CONNECT: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What is raised when a session cannot be opened: the server or its address is to blame."""

_DOWN: tuple[type[Exception], ...] = (
    OSError,  # TimeoutError and the errors of TLS among them
    EOFError,  # asyncio's IncompleteReadError
    asyncpg.InternalClientError,  # the driver lost track of what the server says: a dying session
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.InsufficientResourcesError,  # class 53: disk, memory, connections
    asyncpg.OperatorInterventionError,  # class 57: shutdown, crash, starting, statement_timeout
    asyncpg.PostgresSystemError,  # class 58: an error of its disk, a file that is gone
    asyncpg.StatementCompletionUnknownError,  # 40003
    asyncpg.LockNotAvailableError,  # 55P03: lock_timeout
    asyncpg.IdleInTransactionSessionTimeoutError,  # 25P03
    asyncpg.TransactionTimeoutError,  # 25P04
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a standby, or a server set to read only
)
_STILL_SERVING: tuple[type[Exception], ...] = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)
_ENDS_THE_SESSION = ("FATAL", "PANIC")


def is_down(error: Exception, connection: asyncpg.Connection | None = None) -> bool:
    """Return whether the server could not answer, as against it refusing a wrong statement.

    Whatever fails on a session that is closed by then, fails because of that: a driver that is
    interrupted somewhere raises what it happens to meet.
    """
    return (
        isinstance(error, _DOWN)
        or _is_fatal(error)
        or (connection is not None and connection.is_closed())
    )


def lost_session(error: Exception) -> bool:
    """Return whether the session is gone, as against one statement that took too long."""
    return _is_fatal(error) or not isinstance(error, _STILL_SERVING)


def _is_fatal(error: Exception) -> bool:
    return getattr(error, "severity_en", None) in _ENDS_THE_SESSION


def what_is_missing(error: BaseException) -> str:
    """Name the dependency: a server without disk space still answers those who only read."""
    return f"disk space for {SYSTEM}" if isinstance(error, asyncpg.DiskFullError) else SYSTEM


def reason(error: BaseException) -> str:
    """Say in a few words what happened, without a statement or its values."""
    return f"{type(error).__name__}: {error}".strip().rstrip(":").splitlines()[0][:200]

"""Which PostgreSQL errors mean what: try again, the server is down, or a defect of ours."""

import asyncpg

SYSTEM = "postgresql"

RETRIED: tuple[type[Exception], ...] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
"""PostgreSQL asks for the whole transaction again: 40001 and 40P01."""

_DOWN: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.InsufficientResourcesError,  # class 53: disk, memory, connections
    asyncpg.OperatorInterventionError,  # class 57: shutdown, crash, starting, statement_timeout
    asyncpg.LockNotAvailableError,  # 55P03: lock_timeout
    asyncpg.IdleInTransactionSessionTimeoutError,  # 25P03
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a standby, or a server set to read only
)
_STILL_SERVING: tuple[type[Exception], ...] = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)


def is_down(error: BaseException, connection: asyncpg.Connection | None = None) -> bool:
    """Return whether the server could not answer, as against it refusing a wrong statement."""
    if isinstance(error, asyncpg.InterfaceError):
        return connection is not None and connection.is_closed()
    return isinstance(error, _DOWN)


def lost_session(error: BaseException) -> bool:
    """Return whether the session is gone, as against one statement that took too long."""
    return not isinstance(error, _STILL_SERVING)


def what_is_missing(error: BaseException) -> str:
    """Name the dependency: a server without disk space still answers whoever only reads."""
    return f"disk space for {SYSTEM}" if isinstance(error, asyncpg.DiskFullError) else SYSTEM


def reason(error: BaseException) -> str:
    """Say in a few words what happened, without a statement or its values."""
    return f"{type(error).__name__}: {error}".strip().rstrip(":").splitlines()[0][:200]

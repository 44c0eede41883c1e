"""Which exit code and which next step belong to an expected failure."""

from collections.abc import Mapping
from types import MappingProxyType

from bitvault.cli.output import Exit
from bitvault.client.errors import BitVaultError, Problem, StoreRefused

_BY_CODE: Mapping[str, Exit] = MappingProxyType(
    {
        "quota_exceeded": Exit.QUOTA,
        "local_exists": Exit.CONFLICT,
        "source_changed": Exit.CONFLICT,
        "unreachable": Exit.UNAVAILABLE,
        "unsafe_name": Exit.CONFLICT,
        "idempotency_key_reused": Exit.CONFLICT,
        "not_logged_in": Exit.AUTH,
    }
)
_BY_STATUS: Mapping[int, Exit] = MappingProxyType(
    {
        400: Exit.USAGE,
        401: Exit.AUTH,
        403: Exit.AUTH,
        404: Exit.NOT_FOUND,
        409: Exit.CONFLICT,
        410: Exit.NOT_FOUND,
        412: Exit.CONFLICT,
        422: Exit.USAGE,
        429: Exit.UNAVAILABLE,
        507: Exit.QUOTA,
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "unauthenticated": "Log in again: bitvault login URL --user NAME",
        "not_logged_in": "Log in first: bitvault login URL --user NAME "
        "(or set BITVAULT_SERVER and BITVAULT_TOKEN)",
        "name_taken": "Say what to do: --if-exists replace|rename|skip",
        "local_exists": "Say what to do: --if-exists replace|rename|skip",
        "unreachable": "Is the server running, and is the address right? See: bitvault whoami",
        "quota_exceeded": "Make room: bitvault trash empty",
        "node_not_found": "See what is there: bitvault ls",
        "source_changed": "Run the command again when the file is at rest.",
    }
)


class NotLoggedIn(BitVaultError):  # noqa: N818 - names what stood in the way
    """There is no server or no token to use."""

    code = "not_logged_in"


def exit_code(error: BitVaultError) -> Exit:
    """Return the exit code of a failure."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if isinstance(error, Problem):
        return _by_status(error.status)
    if isinstance(error, StoreRefused):
        return Exit.UNAVAILABLE
    return Exit.INTERNAL


def _by_status(status: int) -> Exit:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Exit.UNAVAILABLE if status in {502, 503, 504} else Exit.INTERNAL


def hint(error: BitVaultError) -> str:
    """Return the next step after a failure, or nothing."""
    return _HINTS.get(error.code, "")

"""Which exit code and which next step belong to an expected failure."""

import os
import re
from collections.abc import Mapping
from types import MappingProxyType

from bitvault.cli.advice import reaching, room
from bitvault.cli.output import Exit
from bitvault.cli.wording import who_may, worded
from bitvault.client.errors import BitVaultError, Problem, StoreRefused

_BY_CODE: Mapping[str, Exit] = MappingProxyType(
    {
        "quota_exceeded": Exit.QUOTA,
        "bad_address": Exit.USAGE,
        "bytes_missing": Exit.UNAVAILABLE,
        "bytes_mismatch": Exit.UNAVAILABLE,
        "wrong_answer": Exit.UNAVAILABLE,
        "integrity": Exit.UNAVAILABLE,
        "not_utf8": Exit.PARTIAL,
        "not_a_file": Exit.PARTIAL,
        "local_exists": Exit.CONFLICT,
        "source_changed": Exit.CONFLICT,
        "unreachable": Exit.UNAVAILABLE,
        "unsafe_name": Exit.CONFLICT,
        "names_collide": Exit.CONFLICT,
        "newer_here": Exit.CONFLICT,
        "newer_there": Exit.CONFLICT,
        "spelled_otherwise": Exit.CONFLICT,
        "idempotency_key_reused": Exit.CONFLICT,
        "kind_mismatch": Exit.USAGE,
        "method_not_allowed": Exit.USAGE,
        "disk_full": Exit.QUOTA,
        "not_in_trash": Exit.NOT_FOUND,
        "not_logged_in": Exit.AUTH,
        "expired_token": Exit.AUTH,
        "login_busy": Exit.UNAVAILABLE,
        "sign_in_refused": Exit.AUTH,
    }
)
_BY_STATUS: Mapping[int, Exit] = MappingProxyType(
    {
        400: Exit.USAGE,
        401: Exit.AUTH,
        403: Exit.AUTH,
        404: Exit.NOT_FOUND,
        409: Exit.CONFLICT,
        408: Exit.UNAVAILABLE,
        410: Exit.NOT_FOUND,
        412: Exit.CONFLICT,
        413: Exit.USAGE,
        415: Exit.USAGE,
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
        "newer_here": "To overwrite it all the same (no copy is kept): --if-exists replace",
        "newer_there": "To overwrite it all the same (its version is kept): --if-exists replace",
        "spelled_otherwise": "To overwrite it all the same (its version is kept): "
        "--if-exists replace",
        "name_taken": "Say what to do: --if-exists replace|rename|skip",
        "local_exists": "Say what to do: --if-exists update|replace|rename|skip",
        "tenant_not_suspended": "First: bitvault admin tenants suspend TENANT",
        "tenant_leaving": "To have it stay: bitvault admin tenants keep TENANT",
        "tenant_taken": "If it is being erased, its name is free after: "
        "bitvault admin tenants erasures",
        "grant_not_found": "See who has access, and by what: bitvault access PATH",
        "link_not_found": "See which there are: bitvault link list; bitvault request list",
        "disk_full": "Its operator has to make room; see there: docs/how-to/operate.md",
        "access_denied": "If it was you who denied it: bitvault login URL --device",
        "expired_token": "Begin again: bitvault login URL --device",
        "bad_credentials": "Is it the right user? Another tenant is named with --tenant.",
        "space_not_found": "See which there are: bitvault spaces list",
        "trash_entry_not_found": "See what is there: bitvault trash list",
        "not_in_trash": "See what is there: bitvault trash list",
        "version_not_found": "See which there are: bitvault versions list PATH",
        "user_not_found": "See who is there: bitvault users list",
        "credential_not_found": "See which there are: bitvault token list",
        "upload_not_found": "See which there are: bitvault uploads list",
        "insufficient_scope": "Make one that will do: bitvault token create NAME --scope write; "
        "or unset BITVAULT_TOKEN and log in.",
        "tenant_not_found": "See which there are: bitvault admin tenants list",
        "not_a_member": "See who is: bitvault spaces members SPACE",
        "provider_not_found": "See which there are: bitvault admin idp list",
        "group_not_found": "See which there are: bitvault groups list",
        "node_not_found": "See what is there: bitvault ls",
        "source_changed": "Run the command again when the file is at rest.",
    }
)


_BY_COMMAND: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("put", "name_taken"): "Say what to do: --if-exists update|replace|rename|skip",
        ("mkdir", "name_taken"): "With -p an existing folder is fine.",
        ("mv", "name_taken"): "Say what to do: --if-exists replace|rename",
        ("cp", "name_taken"): "Say what to do: --if-exists replace|rename",
        (
            "trash restore",
            "name_taken",
        ): "Say what to do: --if-exists replace|rename, or --to FOLDER",
        ("spaces create", "name_taken"): "Choose another name.",
        ("sessions end", "credential_not_found"): "See which there are: bitvault sessions list",
        ("passwd", "bad_credentials"): "Is that your present password?",
    }
)


_SAID: Mapping[str, str] = MappingProxyType(
    {
        "unauthenticated": "You are not logged in here, or the login has ended.",
        "bytes_missing": "the object store took the bytes, and BitVault does not find them there: "
        "something else may answer at the store's address",
        "bytes_mismatch": "the object store has other bytes than were sent",
        "stale_base": "somebody else changed it just now; it was not overwritten.",
    }
)
"""Whatever the server said."""


_KEPT = " (what has arrived is kept: the same command goes on with it)"
_VARIABLE_WINS = (
    "BITVAULT_TOKEN is set and wins over `bitvault login`: unset it, or give it a token that holds."
)
_BY_ID = (
    "A token made with --path has one file or folder: `bitvault whoami` says its ID; name what is "
    "in it ID:/x. Else see which spaces there are: bitvault spaces list"
)


class NotFoundHere(BitVaultError):  # noqa: N818 - names what stood in the way
    """What a name or path was looked up in has no such thing."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class NotLoggedIn(BitVaultError):  # noqa: N818 - names what stood in the way
    """There is no server or no token to use."""

    code = "not_logged_in"


def exit_code(error: BitVaultError) -> Exit:
    """Return the exit code of a failure."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if isinstance(error, NotFoundHere):
        return Exit.NOT_FOUND
    if isinstance(error, Problem):
        foreign = is_foreign(error) and error.status < 500  # noqa: PLR2004 - HTTP
        return Exit.UNAVAILABLE if foreign else _by_status(error.status)
    if isinstance(error, StoreRefused):
        return Exit.UNAVAILABLE
    return Exit.INTERNAL


def _by_status(status: int) -> Exit:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Exit.UNAVAILABLE if status in {502, 503, 504} else Exit.INTERNAL


def hint(error: BitVaultError, command: str = "", place: object = None) -> str:
    """Return the next step after a failure of a command, or nothing; ``place`` is remote."""
    step = room(place) if error.code == "quota_exceeded" else reaching(error)
    if step:
        return step
    if is_foreign(error):
        return "That is not BitVault's REST interface, or a proxy stands between."
    if error.code == "forbidden":
        return who_may(str(error))
    if error.code == "unauthenticated" and os.environ.get("BITVAULT_TOKEN"):
        return _VARIABLE_WINS
    if error.code == "space_not_found" and (step := _where_else(str(error))):
        return step
    return _BY_COMMAND.get((command, error.code)) or _HINTS.get(error.code, "")


def _where_else(detail: str) -> str:
    """Say where to look for a space that was named by an id, or that a token has not."""
    if "'personal'" in detail:
        return _BY_ID
    by_id = re.search(r"'[0-9a-f]{8}-[0-9a-f-]{27}'", detail)
    return "See what is shared with you: bitvault shared" if by_id else ""


def said(error: BaseException, command: str = "") -> str:
    """Say a failure in the words of the command line, where the server's are those of REST."""
    text = _reason(error) if isinstance(error, OSError) else str(error)
    if getattr(error, "is_kept", False):
        text += _KEPT
    if not isinstance(error, Problem):
        return text
    if error.code in _SAID:
        return _SAID[error.code]
    return worded(text, command)


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason


def is_foreign(error: BitVaultError) -> bool:
    """Say whether an answer came from something that speaks no problem details."""
    return isinstance(error, Problem) and error.code == f"http_{error.status}"

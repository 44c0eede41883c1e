"""Every way a call of the SDK can fail on purpose; anything else is a bug and keeps its traceback.

``BitVaultError`` is the root. Its message is one sentence for people; its attributes are for
programs.
"""

# ruff: noqa: N818 - the names say what stood in the way

import math
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

_TOO_MANY = 429
"""HTTP: too many requests."""


class BitVaultError(Exception):
    """The root of what the SDK raises. ``code`` is stable; ``retryable`` says a retry may help.

    ``retry_after`` is when the server wants to be asked again, in seconds, if it said so;
    ``is_limited`` says that it did nothing because it was asked too much.
    """

    code: str = "error"
    retryable: bool = False
    retry_after: float | None = None
    is_limited: bool = False


class Problem(BitVaultError):
    """The server said no: RFC 9457 problem details.

    ``code`` is stable API, ``extra`` holds the members beyond the standard ones
    (``currentVersion`` of a stale base, for one).
    """

    def __init__(self, status: int, members: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(members.get("code") or f"http_{status}")
        self.title = str(members.get("title") or "")
        self.detail = str(members.get("detail") or self.title or f"HTTP {status}")
        self.field = members.get("field")
        self.request_id = members.get("requestId")
        # After too many wrong passwords a person has to think, not a program to wait.
        self.retryable = self.code != "too_many_attempts" and bool(
            members.get("retryable", status in {429, 502, 503, 504})
        )
        self.retry_after = seconds_of(members.get("retryAfter"))
        self.is_limited = status == _TOO_MANY
        known = {"type", "title", "status", "code", "detail", "field", "requestId", "retryable"}
        self.extra = {key: value for key, value in members.items() if key not in known}
        super().__init__(self.detail)


class Unreachable(BitVaultError):
    """The server or the object store cannot be reached, or broke off its answer."""

    code = "unreachable"
    retryable = True

    def __init__(self, whom: str, reason: str) -> None:
        self.whom = whom
        super().__init__(f"{whom} cannot be reached: {reason}")


class StoreRefused(BitVaultError):
    """The object store answered a presigned request with an error."""

    def __init__(
        self, status: int, code: str, message: str, retry_after: float | None = None
    ) -> None:
        self.status = status
        self.retry_after = retry_after
        self.is_limited = status == _TOO_MANY
        self.code = f"store_{code or status}"
        self.expired = status == 403  # noqa: PLR2004 - HTTP: a presigned URL past its time
        self.retryable = status in {408, 429, 500, 502, 503, 504}
        super().__init__(f"the object store answered {status} {code}: {message}".rstrip(": "))


class IntegrityError(BitVaultError):
    """The bytes that came back are not the bytes that were committed."""

    code = "integrity"

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"{what}: expected {expected}, got {found}")


class SourceChanged(BitVaultError):
    """The local file changed while it was being sent; nothing was committed."""

    code = "source_changed"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was being sent; nothing was committed")


class NamesCollide(BitVaultError):
    """Several sources have one name to the server; none of them was sent."""

    code = "names_collide"

    def __init__(self, others: Sequence[str]) -> None:
        named = ", ".join(map(repr, others))
        super().__init__(
            f"the same name as {named}: upper and lower case, composed and decomposed letters are "
            "one there; none of them was sent"
        )


class NewerThere(BitVaultError):
    """What is there was modified later than the local file; it was not overwritten."""

    code = "newer_there"

    def __init__(self, modified: str) -> None:
        super().__init__(f"what is there is newer, modified {modified}; it was not overwritten")


class SpelledOtherwise(BitVaultError):
    """The server has the name in another case; which of the two is meant is not ours to say."""

    code = "spelled_otherwise"

    def __init__(self, there: str) -> None:
        super().__init__(f"it is {there!r} there, which is the same name; rename one of the two")


class UnsafeName(BitVaultError):
    """A remote name that must not be used as a local one: it could leave the target folder."""

    code = "unsafe_name"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not safe as a local file name; it was not written")


class LocalExists(BitVaultError):
    """The local target of a download exists."""

    code = "local_exists"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} exists; choose another target, or what to do if it exists")


class Stopped(BitVaultError):
    """The transfer was stopped from outside; what is done so far can be resumed."""

    code = "stopped"

    def __init__(self) -> None:
        super().__init__("the transfer was stopped")


def is_final(error: BaseException) -> bool:
    """Say whether the same bytes, sent later, would fail the same way."""
    return not getattr(error, "retryable", False)


def seconds_of(value: object, now: float | None = None) -> float | None:
    """Read a Retry-After, of seconds or a date (RFC 9110 §10.2.3); None for anything else."""
    text = "" if value is None else str(value).strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, time.time() if now is None else now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str, now: float) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except ValueError:
        return math.nan

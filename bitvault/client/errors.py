"""Every way a call of the SDK can fail on purpose; anything else is a bug and keeps its traceback.

``BitVaultError`` is the root. Its message is one sentence for people; its attributes are for
programs.
"""

# ruff: noqa: N818 - the names say what stood in the way

import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bitvault.client.clock import local_time
from bitvault.client.reaching import FINAL, Reason

_TOO_MANY = 429
"""HTTP: too many requests."""
_NOT_BY_WAITING = frozenset({"too_many_attempts", "bytes_missing"})
"""Passwords have to be thought about, and bytes sent: the same call again helps nothing."""


class BitVaultError(Exception):
    """The root of what the SDK raises. ``code`` is stable; ``retryable`` says a retry may help.

    ``retry_after`` is when the server wants to be asked again, in seconds, if it said so;
    ``is_limited`` says that it did nothing because it was asked too much. ``is_kept``: what has
    arrived of an upload waits at the server for the same one to go on.
    """

    code: str = "error"
    retryable: bool = False
    retry_after: float | None = None
    is_limited: bool = False
    is_kept: bool = False


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
        self.retryable = self.code not in _NOT_BY_WAITING and bool(
            members.get("retryable", status in {429, 502, 503, 504})
        )
        self.retry_after = seconds_of(members.get("retryAfter"))
        self.is_limited = status == _TOO_MANY
        known = {"type", "title", "status", "code", "detail", "field", "requestId", "retryable"}
        self.extra = {key: value for key, value in members.items() if key not in known}
        super().__init__(self.detail)


class Unreachable(BitVaultError):
    """The server or the object store cannot be reached, or broke off its answer.

    ``reason`` tells why; ``is_store``: it is the object store, which has an address of its own.
    What was asked for may have been done: the answer may have been lost.
    """

    code = "unreachable"

    def __init__(self, whom: str, reason: Reason | str, *, is_store: bool = False) -> None:
        self.whom, self.is_store = whom, is_store
        self.reason = Reason("broken", reason) if isinstance(reason, str) else reason
        self.retryable = self.reason.cause not in FINAL
        name = f"the object store at {whom}" if is_store else whom
        super().__init__(f"{name} cannot be reached: {self.reason.text}")


class BadAddress(BitVaultError):
    """What was given as the address of a server cannot be one."""

    code = "bad_address"

    def __init__(self, server: str) -> None:
        super().__init__(f"{server!r} is no address of a server, as https://files.example.org is")


class WrongAnswer(BitVaultError):
    """What answered is not what was asked: a proxy's page, a redirect, an answer cut short.

    ``is_store`` as in ``Unreachable``; what was asked for may have been done here too.
    """

    code = "wrong_answer"
    retryable = True

    def __init__(self, whom: str, what: str, *, is_store: bool = False) -> None:
        self.whom, self.is_store = whom, is_store
        name = f"the object store at {whom}" if is_store else whom
        super().__init__(f"{name} gave a wrong answer: {what}")


class StoreRefused(BitVaultError):
    """The object store answered a presigned request with an error.

    ``expired``: the URL is past its time, or was not signed for this request; another one may do.
    ``is_settled``: something has the key already, or may have it: whether those are the bytes that
    were sent, the commit tells.
    """

    is_store = True

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        retry_after: float | None = None,
        *,
        whom: str = "",
    ) -> None:
        self._said = (status, code, message, retry_after)
        self.status, self.whom = status, whom
        self.retry_after = retry_after
        self.is_limited = status == _TOO_MANY
        self.code = f"store_{code or status}"
        self.expired = status == 403 or code in _EXPIRED  # noqa: PLR2004 - HTTP
        self.is_damaged = code in _DAMAGED
        self.is_settled = status in {409, 412} or status >= 500  # noqa: PLR2004 - HTTP
        self.retryable = self.is_damaged or status in {408, 409, 429, 500, 502, 503, 504}
        place = f" at {whom}" if whom else ""
        told = f"{code}: {message}".strip(": ") or _UNEXPLAINED
        super().__init__(f"the object store{place} answered {status} {told}")

    def at(self, whom: str) -> "StoreRefused":
        """Return the same, said with the store's address."""
        return StoreRefused(*self._said, whom=whom)


_EXPIRED = frozenset({"ExpiredToken", "RequestExpired"})
_DAMAGED = frozenset(
    {
        "BadDigest",
        "IncompleteBody",
        "RequestTimeout",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
"""What S3 says where other bytes, or fewer, arrived than were sent: they are sent again."""
_UNEXPLAINED = "without a reason that a store would give; a proxy may stand between"


class IntegrityError(BitVaultError):
    """The bytes that came back are not the bytes that were committed."""

    code = "integrity"

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"{what}: expected {expected}, got {found}")


class UnknownHash(BitVaultError, ValueError):
    """A content hash of a form that this version cannot verify."""

    code = "unknown_hash"


class SourceChanged(BitVaultError):
    """The local file changed while it was being sent; nothing was committed."""

    code = "source_changed"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was being sent; nothing was committed")


class NamesCollide(BitVaultError):
    """Several have one name where they are to go; none of them was sent, or fetched."""

    code = "names_collide"

    def __init__(self, others: Sequence[str], what: str = "sent") -> None:
        named = ", ".join(map(repr, others))
        super().__init__(
            f"the same name as {named}: upper and lower case, composed and decomposed letters are "
            f"one there; none of them was {what}"
        )


class NewerThere(BitVaultError):
    """What is there was modified later than the local file; it was not overwritten."""

    code = "newer_there"

    def __init__(self, modified: datetime) -> None:
        super().__init__(
            f"what is there is newer, modified {local_time(modified)}; it was not overwritten"
        )


class NewerHere(BitVaultError):
    """The local file was modified later than what is to be fetched; it was not overwritten."""

    code = "newer_here"

    def __init__(self, path: str, modified: datetime) -> None:
        super().__init__(
            f"{path} is newer here, modified {local_time(modified)}; it was not overwritten"
        )


class SpelledOtherwise(BitVaultError):
    """The server has the name in another case; which of the two is meant is not ours to say."""

    code = "spelled_otherwise"

    def __init__(self, there: str) -> None:
        super().__init__(f"it is {there!r} there, which is the same name; rename one of the two")


class NotText(BitVaultError):
    """A name, or another text, that is not UTF-8: the server keeps no such names."""

    code = "not_utf8"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what!r} is not valid UTF-8, and the server keeps no other names")


class NotAFile(BitVaultError):
    """A FIFO, a socket or a device: it has no size, and reading it may never end."""

    code = "not_a_file"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is no regular file; pipe what comes out of it into `put -`")


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


def leaves_open(error: BaseException) -> bool:
    """Say whether what was asked for may have been done, though it failed to be answered."""
    if isinstance(error, StoreRefused):
        return error.is_settled
    return isinstance(error, Unreachable | WrongAnswer)


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

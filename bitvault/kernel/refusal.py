"""Refusals: the declared ways an operation says no. Values in a reply, never crashes (ADR-0004)."""

from enum import Enum
from typing import ClassVar

from attrs import frozen


class Category(Enum):
    """What kind of no a refusal is; each edge has a status of its own for each."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition failed"
    TOO_LARGE = "too large"
    UNPROCESSABLE = "unprocessable"
    EXHAUSTED = "exhausted"
    """Too many of something in too short a time: it may be done later."""
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@frozen
class Refusal:
    """The root of every refusal. ``code`` is stable API; edges map the category to a status.

    Subclasses are frozen attrs values named after what stood in the way (``NodeNotFound``).
    """

    code: ClassVar[str] = "refused"
    category: ClassVar[Category] = Category.INTERNAL
    retryable: ClassVar[bool] = False

    @property
    def detail(self) -> str:
        """Say in one sentence what stood in the way and what to do next."""
        return "The request was refused."


@frozen
class Invalid(Refusal):
    """A value breaks a rule: ``field`` is its camelCase wire name, ``rule`` a sentence."""

    code: ClassVar[str] = "invalid"
    category: ClassVar[Category] = Category.INVALID
    field: str
    rule: str

    @property
    def detail(self) -> str:
        """Name the field and the rule it breaks."""
        return f"{self.field}: {self.rule}"


@frozen
class Unavailable(Refusal):
    """Something this operation depends on is down; nothing is known to have changed."""

    code: ClassVar[str] = "unavailable"
    category: ClassVar[Category] = Category.UNAVAILABLE
    retryable: ClassVar[bool] = True
    dependency: str

    @property
    def detail(self) -> str:
        """Name the dependency; say what to do."""
        return f"{self.dependency} is not available; retry later."


@frozen
class Failed(Refusal):
    """The server failed at this request alone; its log says why."""

    code: ClassVar[str] = "internal"
    category: ClassVar[Category] = Category.INTERNAL

    @property
    def detail(self) -> str:
        """Say where the reason is."""
        return "The server failed; the request id finds the reason in its log."


@frozen
class Forbidden(Refusal):
    """The caller may see the target but may not do this to it."""

    code: ClassVar[str] = "forbidden"
    category: ClassVar[Category] = Category.FORBIDDEN
    action: str

    @property
    def detail(self) -> str:
        """Name the action."""
        return f"You may not {self.action} here."


@frozen
class IdempotencyConflict(Refusal):
    """The Idempotency-Key was used before with another request (IETF draft-07: 422)."""

    code: ClassVar[str] = "idempotency_key_reused"
    category: ClassVar[Category] = Category.UNPROCESSABLE

    @property
    def detail(self) -> str:
        """Say what the key is for."""
        return "This Idempotency-Key belongs to a different request; use a fresh key."


class Refused(Exception):  # noqa: N818 - carries a refusal out of a transaction, is not an error
    """Rolls the transaction back and becomes the reply; raised and caught inside one room."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class DependencyDown(Exception):  # noqa: N818 - names the state of the world, as OSError's kin do
    """Raised by drivers when an outside system cannot be reached or does not answer in time.

    Not a crash: the room answers ``Unavailable``, a consumer pauses without counting an attempt.
    ``unknown`` says that the effect may have happened all the same (a COMMIT without an answer).
    """

    def __init__(self, dependency: str, reason: str, *, unknown: bool = False) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency = dependency
        self.unknown = unknown


class StatementFailed(Exception):  # noqa: N818 - as DependencyDown
    """Raised by the database driver for a value or a row that the database does not take.

    A bug of the room's rules, and of one request: its transaction is rolled back, so nothing that
    the room keeps is wrong. The asker gets ``Failed``, and nobody else's request suffers from it.
    """

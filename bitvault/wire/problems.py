"""Errors (RFC 9457), and the outcome of one item of a batch."""

from typing import Any

from bitvault.wire.shape import Shape


class Problem(Shape, frozen=True):
    """What stood in the way. `code` is stable; `detail` names the field and the rule."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    retryable: bool
    field: str | None = None
    extra: dict[str, Any] | None = None


class Item(Shape, frozen=True):
    """One item of a batch: `result` is what the single route would have answered."""

    status: int
    result: Any = None
    problem: Problem | None = None


class Items(Shape, frozen=True):
    """The outcomes of a batch, in its order."""

    items: list[Item]

"""Messages between services carry the types of their answers: an ask is checked end to end."""

from functools import cache
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin

from bitvault.kernel.refusal import Failed, Refusal, Unavailable

R_co = TypeVar("R_co", covariant=True)
F_co = TypeVar("F_co", covariant=True)


class Request(Generic[R_co, F_co]):
    """A message that is answered with an ``R_co``, or refused with an ``F_co`` (Never: it is not).

    Imperative name, frozen attrs subclass: ``GetNode(Request[Node, NodeNotFound | Forbidden])``.
    Every request can be answered with ``Unavailable`` or ``Failed``, so neither is declared.
    Satisfies ``supervisors.Request`` by shape, because contracts do not import the runtime.
    """

    __slots__ = ()

    def __reply__(self) -> R_co | F_co | Unavailable:
        """Name what an ask returns to the type checker; never called."""
        raise AssertionError("a type-level marker")


class Item(Generic[F_co]):
    """One of many in a request: what is answered in its place is its own, or an ``F_co``."""

    __slots__ = ()


@cache
def refusals_of(kind: Any) -> tuple[type[Refusal], ...]:
    """Return the refusals that a request or an item declares, and those that any request has."""
    declared = _declared(kind)[-1]
    return (*(one for one in _members(declared) if isinstance(one, type)), Unavailable, Failed)


def reply_of(kind: type) -> Any:
    """Return the type of a request's reply."""
    return _declared(kind)[0]


def _declared(kind: type) -> tuple[Any, ...]:
    for base in getattr(kind, "__orig_bases__", ()):
        if get_origin(base) in {Request, Item}:
            return get_args(base)
    raise TypeError(f"{kind.__name__} is no Request[Reply, Refusals], and no Item[Refusals]")


def _members(declared: Any) -> tuple[Any, ...]:
    """Return the classes of a union; none of Never."""
    if isinstance(declared, UnionType) or get_origin(declared) is not None:
        return get_args(declared)
    return (declared,) if isinstance(declared, type) else ()

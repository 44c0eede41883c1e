"""What a handler asks, read from its code: nobody has to tell what it may be refused with."""

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from bitvault.kernel.refusal import Refusal
from bitvault.kernel.request import Item, Request, refusals_of


def refusals_in(
    handler: Any, others: Iterable[type] = (), *, items: bool
) -> tuple[type[Refusal], ...]:
    """Return what the requests of a handler are refused with, and the refusals it names itself.

    Args:
        handler: Its code is read.
        others: Requests that it makes by other names.
        items: Whether one that is refused is answered as the whole request.
    """
    found: dict[type[Refusal], None] = {}
    for kind in (*asks_of(handler), *others):
        if issubclass(kind, Refusal):
            found[kind] = None
        elif items or not issubclass(kind, Item):
            found |= dict.fromkeys(refusals_of(kind))  # type: ignore[arg-type]  # a type has a hash
    return tuple(found)


def asks_of(handler: Any) -> tuple[type, ...]:
    """Return the requests, items and refusals that a handler names, or what it calls here."""
    seen: set[FunctionType] = set()
    found: dict[type, None] = {}
    waiting = [handler]
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        for named in _named(function):
            if isinstance(named, FunctionType) and named.__module__.startswith(
                ("bitvault.http.", "bitvault.edge.")
            ):
                waiting.append(named)
            elif isinstance(named, type) and issubclass(named, Request | Item | Refusal):
                found[named] = None
    found.pop(Refusal, None)
    return tuple(found)


def _named(function: FunctionType) -> Iterator[Any]:
    """List what a function names: globals, and what it takes from modules among these."""
    names = list(_names(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        yield value
        if isinstance(value, ModuleType):
            yield from (vars(value).get(other) for other in names)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)

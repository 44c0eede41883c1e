"""Messages as JSON: requests, replies, refusals and events come back as they went (ADR-0041).

Where one of several is meant, an object with one member says which: ``{"node": {…}}``. Its name is
a tag of a contract, or of a plain value. Fields that are not known are passed over, and those that
are missing have their default: so a peer may be newer, or older.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
import msgspec
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from bitvault.kernel.refusal import Refusal
from bitvault.kernel.request import reply_of

PLAIN: Final[Mapping[str, type]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "uuid": UUID,
    "time": datetime,
    "list": tuple,
    "set": AbstractSet,
    "map": Mapping,
}
"""The tags of values that no contract has a class for."""
_CHECKED: Final = (bool, int, float, str, bytes, UUID, datetime, timedelta)
_UNREADABLE: Final = (
    msgspec.MsgspecError, ValueError, TypeError, LookupError, AttributeError, RecursionError,
)  # fmt: skip
"""What reading raises at bytes of another shape."""


class NotUnderstood(ValueError):  # noqa: N818 - names what happened
    """Raised for what cannot be read: it is no message, or one of a peer that is too new."""


def answer_of(request: type) -> Any:
    """Return what a request may be answered with as one type: a service may refuse anything."""
    return Union[reply_of(request), Refusal]  # noqa: UP007 - the reply may be None


@cache
def parts_of(kind: Any) -> frozenset[Any]:
    """Return a type and all types that its values may hold."""
    found: set[Any] = set()
    _collect(kind, found)
    return frozenset(found)


def _collect(kind: Any, found: set[Any]) -> None:
    if kind in found:
        return
    found.add(kind)
    for part in _inside(kind):
        _collect(part, found)


def _inside(kind: Any) -> Iterator[Any]:
    yield from (part for part in get_args(kind) if part is not Ellipsis)
    origin = get_origin(kind) or kind
    if isinstance(kind, NewType):
        yield kind.__supertype__
    elif isinstance(origin, type) and attrs.has(origin):
        hints = get_type_hints(origin)
        yield from (hints[one.name] for one in attrs.fields(origin))


def choices_of(kind: Any) -> tuple[Any, ...]:
    """Return the types of which a value of this type has one, but for None."""
    is_union = get_origin(kind) in (Union, UnionType)
    return tuple(one for one in get_args(kind) if one is not NoneType) if is_union else (kind,)


def is_tagged(kind: Any) -> bool:
    """Say whether values of this type have to tell which of its choices they are."""
    choices = choices_of(kind)
    return len(choices) > 1 or choices[0] is Refusal


def class_of(kind: Any) -> type:
    """Return the class of the values of a choice."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    found: type = get_origin(kind) or kind
    return found


def _is_plain(kind: Any) -> bool:
    """Say whether msgspec reads this class as well: nothing in it is tagged."""
    return attrs.has(class_of(kind)) and not any(map(is_tagged, parts_of(kind)))


@attrs.frozen(eq=False)
class _Choice:
    """One of those that a tagged value may be."""

    tag: str
    kind: Any
    write: Callable[[Any], Any]
    read: Callable[[Any, Any], Any]


class _Tagged:
    """Writes and reads values of which a tag tells what they are."""

    def __init__(self, choices: list[_Choice], *, may_be_none: bool) -> None:
        self._by_class = {class_of(one.kind): one for one in choices}
        self._by_tag = {one.tag: one for one in choices}
        self._may_be_none = may_be_none

    def write(self, value: Any) -> Any:
        """Render a value."""
        if value is None and self._may_be_none:
            return None
        choice = self._by_class.get(type(value)) or self._related(value)
        return {choice.tag: choice.write(value)}

    def read(self, raw: Any, _: Any) -> Any:
        """Read a value back."""
        if raw is None and self._may_be_none:
            return None
        [(tag, content)] = raw.items()
        choice = self._by_tag[tag]
        return choice.read(content, choice.kind)

    def _related(self, value: Any) -> _Choice:
        """Find what a value is by inheritance: drivers have classes of their own for ids and rows.

        Raises:
            TypeError: It is nothing that was declared.
        """
        if isinstance(value, list):
            value = tuple(value)
        for kind, choice in self._by_class.items():
            if isinstance(value, kind):
                return choice
        raise TypeError(f"{type(value).__name__} is none of {', '.join(self._by_tag)}")


class Codec:
    """Writes and reads the messages that ``tags`` names."""

    def __init__(self, tags: Mapping[str, type]) -> None:
        self._kinds = {**PLAIN, **tags}
        self._tags = {kind: tag for tag, kind in self._kinds.items()}
        self._refusals = tuple(one for one in tags.values() if issubclass(one, Refusal))
        self._converter = self._made()

    def tag_of(self, kind: type) -> str:
        """Return what a message of this class is called."""
        return self._tags[kind]

    def kind_of(self, tag: str) -> type:
        """Return the class of the messages that are called so.

        Raises:
            NotUnderstood: None are.
        """
        if tag not in self._kinds:
            raise NotUnderstood(f"there is no message {tag!r}")
        return self._kinds[tag]

    def encode(self, value: Any, kind: Any) -> bytes:
        """Render a value of a type as JSON."""
        return self._converter.dumps(value, kind)

    def decode(self, data: bytes, kind: Any) -> Any:
        """Read a value of a type.

        Raises:
            NotUnderstood: There is none in it.
        """
        try:
            return self._converter.loads(data, kind)
        except _UNREADABLE as error:
            raise NotUnderstood(f"{type(error).__name__}: {error}") from error

    def _made(self) -> MsgspecJsonConverter:
        converter = make_converter(detailed_validation=False)
        for kind in _CHECKED:
            converter.register_structure_hook(kind, msgspec.convert)
        converter.register_structure_hook_factory(_is_plain, lambda _: msgspec.convert)
        tagged = cache(self._tagged)
        converter.register_unstructure_hook_factory(is_tagged, lambda kind: tagged(kind).write)
        converter.register_structure_hook_factory(is_tagged, lambda kind: tagged(kind).read)
        return converter

    def _tagged(self, kind: Any) -> _Tagged:
        declared = [one for one in choices_of(kind) if one is not Refusal]
        if Refusal in choices_of(kind):
            declared = list(dict.fromkeys([*declared, *self._refusals]))
        return _Tagged(
            [self._choice(one) for one in declared], may_be_none=NoneType in get_args(kind)
        )

    def _choice(self, kind: Any) -> _Choice:
        write = self._converter.get_unstructure_hook(kind)
        return _Choice(self._tag_for(kind), kind, write, self._converter.get_structure_hook(kind))

    def _tag_for(self, kind: Any) -> str:
        named = class_of(kind)
        if named in self._tags:
            return self._tags[named]
        for tag, one in PLAIN.items():
            if issubclass(named, one):
                return tag
        raise TypeError(f"{named.__name__} needs a tag in the TAGS of its contract")

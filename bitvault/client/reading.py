"""Answers read as far as they can be: one odd value does not take a whole page away.

A newer server may say what this version does not know: another kind of node, another form of hash,
a time that Python has no room for. Such a value stays the text that the server wrote; all else has
the type that its shape says. Members that are not known are left out.
"""

from collections.abc import Mapping
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec

T = TypeVar("T")


def read_answer(raw: bytes | msgspec.Raw, shape: type[T]) -> T:
    """Decode an answer.

    Raises:
        msgspec.DecodeError: it is no JSON, or lacks what no text can stand for.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError:
        found: T = _read(msgspec.json.decode(raw), shape)
        return found


def _read(value: Any, shape: Any) -> Any:
    """Convert a value, and where that fails go on with what is in it."""
    try:
        return msgspec.convert(value, shape, builtin_types=())
    except msgspec.ValidationError:
        inner = _inner(value, shape)
        if inner is None:
            raise
        return inner.value


class _Found:
    def __init__(self, value: Any) -> None:
        self.value = value


def _inner(value: Any, shape: Any) -> _Found | None:
    """Read what is in a value whose shape as a whole does not fit; None: it cannot be read."""
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is Annotated:
        return _inner(value, arguments[0])
    if origin in {Union, UnionType}:
        return next((one for arm in arguments if (one := _inner(value, arm)) is not None), None)
    if _is_text(shape, origin):
        return _Found(value) if isinstance(value, str) else None
    if isinstance(value, Mapping) and _is_struct(origin or shape):
        return _Found(_struct(value, shape))
    if isinstance(value, list) and origin in {list, tuple} and arguments:
        return _Found(origin(_read(one, arguments[0]) for one in value))
    return None


def _struct(value: Mapping[str, Any], shape: Any) -> Any:
    members = {}
    for one in msgspec.structs.fields(shape):
        if one.encode_name in value:
            members[one.name] = _read(value[one.encode_name], one.type)
        elif one.required:
            raise msgspec.ValidationError(f"Object missing required field `{one.encode_name}`")
    return shape(**members)


def _is_text(shape: Any, origin: Any) -> bool:
    return shape in {str, datetime, UUID} or origin is Literal


def _is_struct(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)

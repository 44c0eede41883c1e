"""Text to shapes: bodies, query strings and path parameters, each fault named by its field."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar, get_args
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from bitvault.edge.rejections import Rejected, invalid
from bitvault.http import wording
from bitvault.kernel import moments

S = TypeVar("S")

_AT = re.compile(r"^(?P<rule>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?P<fault>missing required|contains unknown) field `(?P<field>.*)`$")
_MOST_FIELDS = 100
_NOT_TEXT = "must be Unicode text without NUL characters"
_WRITTEN: Final[Mapping[type, tuple[re.Pattern[str], str]]] = {
    int: (re.compile(r"-?(0|[1-9][0-9]{0,18})"), "must be a whole number"),
    datetime: (re.compile(r"[0-9]{4}-.*"), "must be a time such as 2026-01-31T12:00:00Z"),
}
"""How a query string writes a kind: the decoder would take 1e3, and seconds for a time."""


def body(raw: bytes, shape: type[S]) -> S:
    """Decode a JSON body.

    Raises:
        Rejected: ``malformed`` for what is not JSON, ``invalid`` for what breaks a rule.
    """
    try:
        decoded = msgspec.json.decode(raw, type=shape)
        _refuse_traps(raw)
    except msgspec.ValidationError as error:
        raise _named(str(error), shape) from error
    except UnicodeDecodeError as error:
        raise Rejected("malformed", "The body is not UTF-8.") from error
    except RecursionError as error:
        raise Rejected("malformed", "The body is nested too deeply.") from error
    except msgspec.DecodeError as error:
        raise Rejected("malformed", f"The body is not JSON: {error}.") from error
    _check_moments(decoded)
    return decoded


def form(raw: bytes, shape: type[S]) -> S:
    """Decode the fields of an HTML form, as a query string is.

    Raises:
        Rejected: ``malformed`` for what is no form, ``invalid`` for what breaks a rule.
    """
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise Rejected("malformed", "The body is no form in UTF-8.") from error
    return query(pairs, shape)


def query(pairs: Iterable[tuple[str, str]], shape: type[S]) -> S:
    """Decode a query string; an unknown or repeated parameter is refused."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise invalid(name, "is given more than once")
        values[name] = clean(name, value)
    _check_written(values, shape)
    try:
        decoded = msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _named(str(error), shape) from error
    _check_moments(decoded)
    return decoded


def path(given: Mapping[str, str]) -> dict[str, Any]:
    """Decode path parameters: ``n`` is a version number, ``name`` text, every other one an id."""
    return {name: _parameter(name, value) for name, value in given.items()}


def clean(name: str, value: str) -> str:
    """Return text that every layer below can hold.

    Raises:
        Rejected: It has a NUL or a lone surrogate.
    """
    if "\0" in value or (not value.isascii() and _broken(value)):
        raise invalid(name, _NOT_TEXT)
    return value


def _parameter(name: str, value: str) -> UUID | int | str:
    if name == "name":
        return clean(name, value)
    if name == "n":
        if not re.fullmatch(r"[1-9][0-9]{0,8}", value):
            raise invalid(name, "must be a version number")
        return int(value)
    try:
        return msgspec.convert(value, UUID)
    except msgspec.ValidationError as error:
        raise invalid(name, "must be an id (a UUID)") from error


def _check_written(values: Mapping[str, str], shape: type) -> None:
    """Refuse what the decoder reads more loosely than this interface says."""
    for name, kinds in _kinds(shape):
        if name not in values or str in kinds:
            continue
        for kind in kinds & _WRITTEN.keys():
            form, rule = _WRITTEN[kind]
            if not form.fullmatch(values[name]):
                raise invalid(name, rule)
        if values[name].lower() == "null":
            raise invalid(name, "must be left out where nothing is meant, not null")


def _check_moments(value: Any, place: str = "") -> None:
    """Refuse a time that not every part can hold, wherever it stands in what was decoded."""
    if isinstance(value, datetime) and not moments.is_moment(value):
        raise invalid(place, moments.RULE)
    if isinstance(value, tuple):
        for number, one in enumerate(value):
            _check_moments(one, f"{place}[{number}]")
    if isinstance(value, msgspec.Struct):
        for attribute, name in _timed(type(value)):
            _check_moments(getattr(value, attribute), f"{place}.{name}" if place else name)


@cache
def _timed(shape: type) -> tuple[tuple[str, str], ...]:
    """Return attribute and name of the members of a shape in which there may be a time."""
    return tuple(
        (member.name, member.encode_name)
        for member in msgspec.structs.fields(shape)
        if any(
            kind is datetime or (issubclass(kind, msgspec.Struct) and _timed(kind))
            for kind in _within(member.type)
        )
    )


@cache
def _kinds(shape: type) -> tuple[tuple[str, frozenset[type]], ...]:
    return tuple(
        (member.encode_name, frozenset(_within(member.type)))
        for member in msgspec.structs.fields(shape)
    )


def _within(kind: Any) -> Iterator[type]:
    """Yield the types that a member's type is made of."""
    if isinstance(kind, type) and not get_args(kind):
        yield kind
    for one in get_args(kind):
        yield from _within(one)


def _named(message: str, shape: Any) -> Rejected:
    match = _AT.match(message)
    rule, place = (match["rule"], match["field"] or "") if match else (message, "")
    if named := _NAMED.match(rule):
        field = f"{place}.{named['field']}" if place else named["field"]
        missing = named["fault"] == "missing required"
        return invalid(field, "is required" if missing else "is not known here")
    return invalid(place or "body", wording.rule(rule, place, shape))


def _refuse_traps(raw: bytes) -> None:
    """Refuse what decodes, but not the same everywhere: duplicate members, NUL in text."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise invalid(_repeated(name for name, _ in pairs), "is given more than once")
        for name, value in pairs:
            clean("body", name)
            for text in _texts(value):
                clean(name, text)
        return found

    # Numbers have been judged; Python's parser would raise for one of very many digits.
    json.loads(raw, object_pairs_hook=members, parse_int=len, parse_float=len)


def _texts(value: Any) -> Iterator[str]:
    """Yield a text, or those of lists within lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _repeated(names: Iterable[str]) -> str:
    """Return the first that is there again; a body may have very many."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("every name is there once")


def _broken(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False

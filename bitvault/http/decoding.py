"""Text to shapes: bodies, query strings and path parameters, each fault named by its field."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from bitvault.http import wording
from bitvault.http.problems import Rejected, invalid

S = TypeVar("S")

_AT = re.compile(r"^(?P<rule>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?P<fault>missing required|contains unknown) field `(?P<field>.*)`$")
_MOST_FIELDS = 100
_NOT_TEXT = "must be Unicode text without NUL characters"


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
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _named(str(error), shape) from error


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
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    clean(name, text)
        return found

    json.loads(raw, object_pairs_hook=members)


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

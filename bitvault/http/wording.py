"""What msgspec refuses, in the words of this interface: what the value must be."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import msgspec.inspect

from bitvault.wire import fields

_NOUNS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "uuid": "an id (a UUID)",
    "datetime": "a time such as 2026-01-31T12:00:00Z",
}
_PATTERNED: Final = {
    meta.pattern: meta.description
    for kind in (fields.Hash, fields.PartHash, fields.ContentType, fields.ETag)
    for meta in get_args(kind)[1:]
}
_KIND: Final = re.compile(r"Expected `(?P<wanted>[a-z |]+)`(?:, got `(?P<given>\w+)`)?")
_LENGTH: Final = re.compile(r"Expected `(?P<kind>\w+)` of length (?P<bound>[<>]=) (?P<number>\d+)")
_RANGE: Final = re.compile(r"Expected `\w+` (?P<bound>[<>]=) (?P<number>-?\d+)")
_PATTERN: Final = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'")
_BOUNDS: Final = {">=": "at least", "<=": "at most"}
_FIXED: Final = {
    "Invalid UUID": "must be an id (a UUID)",
    "Invalid RFC3339 encoded datetime": "must be a time such as 2026-01-31T12:00:00Z",
    "Expected `datetime` with a timezone component": "must be a time with a zone, as in …12:00:00Z",
    "Number out of range": "must be a number of at most 64 bits",
}


def rule(message: str, place: str, shape: Any) -> str:
    """Say which rule a value breaks.

    Args:
        message: What msgspec says, without the place.
        place: Where in the body: ``items[1].size``.
        shape: The type that was decoded to.
    """
    if message in _FIXED:
        return _FIXED[message]
    if message.startswith(("Invalid enum value", "Invalid value")):
        words = sorted(_allowed(shape, place.rpartition(".")[2]))
        return f"must be one of {', '.join(words)}"
    if match := _PATTERN.fullmatch(message):
        # The message shows the pattern as a Python literal.
        pattern = match["pattern"].replace("\\\\", "\\")
        form = (_PATTERNED.get(pattern) or pattern).rstrip(".")
        return f"is not in the required form ({form})"
    return _measured(message) or message[:1].lower() + message[1:]


def _measured(message: str) -> str | None:
    if match := _LENGTH.fullmatch(message):
        unit = "characters long" if match["kind"] == "str" else "items long"
        if match["bound"] == ">=" and match["number"] == "1":
            return "must not be empty"
        return f"must be {_BOUNDS[match['bound']]} {match['number']} {unit}"
    if match := _RANGE.fullmatch(message):
        return f"must be {_BOUNDS[match['bound']]} {match['number']}"
    if match := _KIND.fullmatch(message):
        wanted = " or ".join(_NOUNS.get(kind, kind) for kind in match["wanted"].split(" | "))
        given = match["given"]
        return f"must be {wanted}" + (f", not {_NOUNS.get(given, given)}" if given else "")
    return None


def _allowed(shape: Any, name: str) -> set[str]:
    """Return the words that members of this name may have, anywhere in a shape."""
    words = set[str]()
    for struct in _structs(msgspec.inspect.type_info(shape)):
        if struct.tag_field == name:
            words.add(str(struct.tag))
        for member in struct.fields:
            if member.encode_name == name:
                words |= {str(word) for kind in _flat(member.type) for word in _literals(kind)}
    return words


def _literals(kind: Any) -> tuple[Any, ...]:
    return kind.values if isinstance(kind, msgspec.inspect.LiteralType) else ()


def _structs(kind: Any) -> Iterator[msgspec.inspect.StructType]:
    for one in _flat(kind):
        if isinstance(one, msgspec.inspect.StructType):
            yield one
            for member in one.fields:
                yield from _structs(member.type)
        elif isinstance(one, msgspec.inspect.VarTupleType):
            yield from _structs(one.item_type)


def _flat(kind: Any) -> Iterator[Any]:
    """Yield a type without its metadata, or each type of a union."""
    if isinstance(kind, msgspec.inspect.Metadata):
        yield from _flat(kind.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from _flat(one)
    else:
        yield kind

"""Names and paths (reliability §4.15): kept in NFC as typed, unique by NFC and casefold."""

from functools import lru_cache
from uuid import UUID

from attrs import frozen

from bitvault import text
from bitvault.actors.files.contract import TreeRuleBroken
from bitvault.kernel.refusal import Invalid, Refused

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 16_384
MAX_DEPTH = 500
"""Levels below a root; bounds every walk up and down the tree."""

_BIDI = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
_MAX_TYPED = 2 * MAX_NAME_BYTES
"""Code points: NFC makes two bytes of three of them at the most."""
_TOO_LONG = f"must be at most {MAX_NAME_BYTES} bytes of UTF-8"
_RULES = {
    "Cc": "must not contain control characters",
    "Cs": "must not contain lone surrogates",
    "Cn": "must not contain code points that Unicode has not assigned",
}


def valid_name(name: str, field: str = "name") -> str:
    """Return ``name`` in NFC, or raise ``Refused`` naming the rule it breaks."""
    # Before anything is kept or looked through: what no NFC can make short enough is refused.
    rule = _TOO_LONG if len(name) > _MAX_TYPED else _broken_rule(name)
    if rule:
        raise Refused(Invalid(field, rule))
    return text.normal(name)


def name_key(name: str) -> str:
    """Return what a name is compared by: equal keys cannot live in one folder."""
    return text.folded(name)


@lru_cache(maxsize=4096)
def _broken_rule(name: str) -> str | None:
    for character in name:
        if rule := _RULES.get(text.category(character)):
            return rule
        if character in "/\\":
            return "must not contain / or \\"
        if character in _BIDI:
            return "must not contain bidirectional overrides"
    if not name or name in (".", ".."):
        return "must not be empty, . or .."
    if len(text.normal(name).encode()) > MAX_NAME_BYTES:
        return _TOO_LONG
    return None


@frozen
class Address:
    """A path taken apart: which space (id, team name, or the caller's own), which names below."""

    space_id: UUID | None
    space_name: str | None
    names: tuple[str, ...]


def parse_path(path: str, space_id: UUID | None = None, field: str = "path") -> Address:
    """Take ``/a/b`` or ``Space:/a/b`` apart, or raise ``Refused`` with ``Invalid``."""
    if len(path.encode(errors="surrogatepass")) > MAX_PATH_BYTES:
        raise Refused(Invalid(field, f"must be at most {MAX_PATH_BYTES} bytes"))
    label, colon, rest = path.partition(":/")
    if colon and not path.startswith("/"):
        named_id, named = _space_of(label, field)
        return Address(named_id, named, _names("/" + rest, field))
    return Address(space_id, None, _names(path, field))


def _space_of(label: str, field: str) -> tuple[UUID | None, str | None]:
    try:
        return UUID(label), None
    except ValueError:
        return None, valid_name(label, field)


def _names(path: str, field: str) -> tuple[str, ...]:
    if not path.startswith("/"):
        raise Refused(Invalid(field, "must start with / (or Space:/)"))
    if path == "/":
        return ()
    names = tuple(valid_name(part, field) for part in path[1:].split("/"))
    if len(names) > MAX_DEPTH:
        raise Refused(TreeRuleBroken(field, f"must be at most {MAX_DEPTH} levels deep"))
    return names


def join(names: tuple[str, ...] | list[str]) -> str:
    """Write names as a path from the root."""
    return "/" + "/".join(names)


def parent_path(path: str) -> str:
    """Return the path of the folder around a path."""
    return path.rpartition("/")[0] or "/"


def numbered(name: str, number: int) -> str:
    """Return ``stem (2).ext``: the name an ``ifExists: rename`` tries, cut to fit."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > 16 or " " in extension:  # noqa: PLR2004 - no longer an extension
        stem, dot, extension = name, "", ""
    tail = f" ({number}){dot}{extension}"
    room = MAX_NAME_BYTES - len(tail.encode())
    kept = stem.encode()[:room].decode(errors="ignore").rstrip()
    return text.normal(kept + tail)

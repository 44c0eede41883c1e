"""What messages are made of, as a page that only grows: peers and stored rows rely on it."""

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

import attrs

from bitvault.kernel.codec import PLAIN, answer_of, choices_of, class_of, parts_of
from bitvault.kernel.refusal import Refusal
from bitvault.kernel.request import Request
from bitvault.kernel.tags import tags_of
from bitvault.services import SERVICES, Manifests

PAGE = Path(__file__).parent / "golden/messages.json"
Schema = Mapping[str, Mapping[str, str]]
_ANSWER = "-> "
"""Stands where a request's answer is; no field is called so."""
_OPTIONAL = " ="
"""Ends the type of a field that has a default."""
_ON_PURPOSE = "if no peer and no stored row can have it any more, delete its entry from the page"


def schema_of(manifests: Manifests) -> Schema:
    """Describe every message, and every class in it, by tag; those without one by name."""
    tags = {kind: tag for tag, kind in tags_of(one.contract for one in manifests).items()}
    tags |= {event: event.kind for one in manifests for event in one.events}
    classes = {class_of(part) for kind in list(tags) for part in parts_of(kind)}
    classes |= {
        class_of(part)
        for kind in tags
        if issubclass(kind, Request)
        for part in parts_of(answer_of(kind))
    }
    names = {kind: tags.get(kind, getattr(kind, "__name__", "")) for kind in classes | set(tags)}
    described = [kind for kind in names if isinstance(kind, type) and attrs.has(kind)]
    page: dict[str, dict[str, str]] = {}
    for kind in sorted(described, key=lambda one: (names[one], one.__module__)):
        # Two services may have a class of one name: then its folder tells them apart.
        name = names[kind] if names[kind] not in page else f"{kind.__module__}.{names[kind]}"
        page[name] = _fields(kind, names)
    return page


def _fields(kind: type, names: Mapping[Any, str]) -> dict[str, str]:
    hints = get_type_hints(kind)
    found = {
        one.name: _told(hints[one.name], names)
        + ("" if one.default is attrs.NOTHING else _OPTIONAL)
        for one in attrs.fields(kind)
    }
    if issubclass(kind, Request):
        found[_ANSWER] = _told(answer_of(kind), names)
    return found


def _told(kind: Any, names: Mapping[Any, str]) -> str:
    """Write a type down. Refusals are left out of answers: any may come at any time."""
    if isinstance(kind, TypeVar):
        return kind.__name__
    if NoneType in get_args(kind) or len(choices_of(kind)) > 1:
        return " | ".join(sorted(_told(one, names) for one in _listed(kind)))
    named = class_of(kind)
    if isinstance(named, type) and issubclass(named, Enum):
        return f"one of {', '.join(str(one.value) for one in named)}"
    inside = ", ".join(_told(one, names) for one in get_args(kind) if one is not Ellipsis)
    return f"{_name(named, names)}[{inside}]" if inside else _name(named, names)


def _listed(kind: Any) -> list[Any]:
    listed = get_args(kind)
    any_refusal = Refusal in listed
    return [one for one in listed if not (any_refusal and _refuses(one) and one is not Refusal)]


def _refuses(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Refusal)


def _name(kind: Any, names: Mapping[Any, str]) -> str:
    plain = {one: tag for tag, one in PLAIN.items()}
    return plain.get(kind) or names.get(kind) or getattr(kind, "__name__", str(kind))


def faults_of(before: Schema, now: Schema) -> list[str]:
    """Say what a peer or a stored row of before would not survive, and what to do about it."""
    found = []
    for name, fields in before.items():
        if name not in now:
            found.append(f"{name}: is gone; keep it, or {_ON_PURPOSE}.")
            continue
        found += _faults_in(name, fields, now[name])
    return found


def _faults_in(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    found = []
    for field, kind in before.items():
        if field not in now:
            found.append(f"{name}.{field}: is gone; keep it, or {_ON_PURPOSE}.")
        elif now[field].removesuffix(_OPTIONAL) != kind.removesuffix(_OPTIONAL):
            how = f"was {kind!r} and is {now[field]!r}"
            found.append(f"{name}.{field}: {how}; add another field, or {_ON_PURPOSE}.")
        elif kind.endswith(_OPTIONAL) and not now[field].endswith(_OPTIONAL):
            found.append(f"{name}.{field}: had a default; give it one, or {_ON_PURPOSE}.")
    new = [field for field in now if field not in before and not now[field].endswith(_OPTIONAL)]
    return [*found, *(f"{name}.{field}: is new; give it a default." for field in new)]


def kept() -> Schema:
    """Return what the page says."""
    found: Schema = json.loads(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    return found


def renewed(before: Schema, now: Schema) -> str:
    """Write the page.

    Raises:
        SystemExit: It would not only grow; says why.
    """
    if faults := faults_of(before, now):
        raise SystemExit("\n".join(faults))
    return json.dumps(now, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Renew the page."""
    PAGE.write_text(renewed(kept(), schema_of(SERVICES)), encoding="utf-8")


if __name__ == "__main__":
    main()

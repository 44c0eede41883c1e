"""The part of SCIM's filters that is answered from an index: ``attribute eq "value" and …``.

Anything else would read every user of the tenant, so it is refused, as RFC 7644 §3.4.2.2 lets a
server do. What directories look things up by is here.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from bitvault.edge.rejections import Rejected, invalid
from bitvault.http.decoding import clean

_TEXT: Final = r'"(?:[^"\\\x00-\x1f]|\\.){0,1024}"'
_TERM: Final = re.compile(
    rf"(?P<name>[\w:.$-]{{1,256}})"
    rf"(?:\[\s*value\s+eq\s+(?P<inner>{_TEXT})\s*\]|\s+eq\s+(?P<value>{_TEXT}))",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"\s+and\s+", re.IGNORECASE)
_URN: Final = re.compile(r"^urn:[\w:.-]*:(?=[\w.$-]+$)", re.IGNORECASE)


def parse(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """Read a filter.

    Args:
        text: The filter.
        known: In lower case, the attributes it may name, and what each is called here.

    Returns:
        What is called so has to be equal to this.

    Raises:
        Rejected: ``invalid`` for another attribute, operator or form.
    """
    found: dict[str, str] = {}
    place = 0
    while term := _TERM.match(text, place):
        name = known.get(plain(term["name"]).lower())
        value = text_of("filter", term["inner"] or term["value"])
        if name is None or found.setdefault(name, value) != value:
            raise _refused(known)
        place = term.end()
        if place == len(text):
            return found
        link = _AND.match(text, place)
        if link is None:
            break
        place = link.end()
    raise _refused(known)


def text_of(field: str, quoted: str) -> str:
    """Read a text in quotes, whose escapes are those of JSON.

    Raises:
        Rejected: ``invalid`` for one that is none, or that no layer below can hold.
    """
    try:
        return clean(field, json.loads(quoted))
    except ValueError as error:
        raise invalid(field, "must have its texts in quotes, escaped as in JSON") from error


def plain(name: str) -> str:
    """Return an attribute's name without the schema it is of."""
    return _URN.sub("", name)


def _refused(known: Mapping[str, str]) -> Rejected:
    names = ", ".join(sorted(known))
    return invalid("filter", f'must be NAME eq "VALUE", joined by and; NAME is one of {names}')

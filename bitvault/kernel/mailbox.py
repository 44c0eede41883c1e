"""E-mail addresses: the plain ones of RFC 5321, without quotes, comments and lists."""

import re

from bitvault.text import is_printable

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_SENDER = re.compile(r"(?:([^<>\"]*[^<>\"\s]) )?<([^<>]+)>")
_MOST, _MOST_LOCAL = 254, 64
RULE = "must be an e-mail address such as ann@example.org"


def is_address(value: str) -> bool:
    """Say whether it is one address, and nothing else."""
    local = value.partition("@")[0]
    return len(value) <= _MOST and len(local) <= _MOST_LOCAL and bool(_ADDRESS.fullmatch(value))


def sender(value: str) -> tuple[str, str]:
    """Split ``BitVault <bitvault@example.org>``, or an address alone, into name and address.

    Raises:
        ValueError: It is neither.
    """
    match = _SENDER.fullmatch(value)
    name, address = (match[1] or "", match[2]) if match else ("", value)
    if not is_address(address) or not is_printable(name):
        raise ValueError("must be an address, or a name and an address in <>")
    return name, address

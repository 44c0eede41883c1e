"""E-mail addresses: the plain ones of RFC 5321, without quotes, comments and lists.

A domain is kept as the DNS has it, in ASCII (ADR-0034). Local parts are ASCII: others need SMTPUTF8
at every server on the way.
"""

import re

import idna

from bitvault.text import is_printable

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SENDER = re.compile(r"(?:([^<>\"]*[^<>\"\s]) )?<([^<>]+)>")
_MOST, _MOST_LOCAL = 254, 64
RULE = "must be an e-mail address such as ann@example.org"


def is_address(value: str) -> bool:
    """Say whether it is one address, and nothing else."""
    local = value.partition("@")[0]
    return len(value) <= _MOST and len(local) <= _MOST_LOCAL and bool(_ADDRESS.fullmatch(value))


def canonical_domain(value: str) -> str | None:
    """Return a domain as the DNS has it (IDNA 2008, mapped by UTS 46); None for none.

    So ``MÜLLER.example`` and ``xn--mller-kva.example`` are one. What is ASCII is not judged by
    IDNA: there are hosts with names that it would not give.
    """
    if len(value) > _MOST:
        return None
    plain = value.lower()
    try:
        if not value.isascii():
            plain = idna.encode(value, uts46=True).decode()
        elif any(label.startswith("xn--") for label in plain.split(".")):
            plain = idna.encode(idna.decode(plain)).decode()
    except UnicodeError:
        return None
    return plain if _DOMAIN.fullmatch(plain) else None


def canonical(value: str) -> str | None:
    """Return one address with its domain as the DNS has it; None for anything else."""
    local, _, domain = value.rpartition("@")
    address = f"{local}@{canonical_domain(domain) or ''}"
    return address if is_address(address) else None


def sender(value: str) -> tuple[str, str]:
    """Split ``BitVault <bitvault@example.org>``, or an address alone, into name and address.

    Raises:
        ValueError: It is neither.
    """
    match = _SENDER.fullmatch(value)
    name, given = (match[1] or "", match[2]) if match else ("", value)
    address = canonical(given)
    if address is None or not is_printable(name):
        raise ValueError("must be an address, or a name and an address in <>")
    return name, address

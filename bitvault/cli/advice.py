"""What helps where a server cannot be reached, or a space is full."""

import errno
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

from bitvault.client.errors import BitVaultError, Unreachable, WrongAnswer

_CERTIFICATE = (
    "If you know that it is its own: bitvault login URL --ca-file FILE, with the certificate of "
    "its authority (or its own) in PEM; or BITVAULT_CA_FILE"
)
_REACHING: Mapping[str, str] = MappingProxyType(
    {
        "refused": "Is bitvaultd running there? The address is that of `bitvault login`, "
        "or BITVAULT_SERVER.",
        "unknown_host": "Is its name spelled right? The address is that of `bitvault login`, "
        "or BITVAULT_SERVER.",
        "timeout": "Is it up, and does a firewall let you through to it?",
        "certificate_untrusted": _CERTIFICATE,
        "certificate_name": "Use the name that is in the certificate; the server's operator can "
        "have one made for this name.",
        "certificate_dates": "Is the clock of this machine right? Else the server's operator has "
        "to renew it.",
        "needs_http": "Use http:// there; or set up TLS at the server: docs/how-to/operate.md",
        "needs_https": "Use https:// there: bitvault login https://...",
    }
)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STORE = (
    "That is the object store, which has the bytes; the server itself answers. Its operator "
    "sets that address (objects.public_endpoint): is it reachable from here?"
)
_STORE_TRUST = "That is the object store, which has the bytes. "


def reaching(error: BitVaultError) -> str:
    """Return the next step where something cannot be reached, or is something else."""
    if isinstance(error, WrongAnswer):
        return "A proxy may stand between, or the address is that of something else."
    if not isinstance(error, Unreachable):
        return ""
    cause = error.reason.cause
    if error.is_store:
        has_step = cause.startswith("certificate") or cause == "timeout"
        return _STORE_TRUST + _REACHING[cause] if has_step else _STORE
    return _REACHING.get(cause, _REACHING["refused"])


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BARRED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def local(error: OSError) -> str:
    """Return the next step where a local file cannot be written, or read."""
    if error.errno in _FULL:
        return "Make room there, or choose a place on another disk; then run the command again."
    if error.errno in _BARRED:
        return "Choose another place, or have the owner of that one let you use it."
    return ""


def room(path: object) -> str:
    """Return how to make room in the space of a remote path."""
    text = path if isinstance(path, str) else "/"
    space, colon, _ = text.partition(":/")
    if text.startswith("/") or not colon:
        return "Make room: bitvault trash empty; see what is under way: bitvault uploads list"
    if _ID.fullmatch(space):
        return "The space it is in is full: its owner, or a manager of it, can make room there."
    name = shlex.quote(space)
    return (
        f"Make room in that space: bitvault trash list --space {name}; "
        f"bitvault trash empty --space {name}; bitvault uploads list. "
        f"Or its admins raise the quota: bitvault spaces quota {name}"
    )

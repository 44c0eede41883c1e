"""Names that not every system can hold: kept as they are, and marked for clients (§4.15)."""

_FORBIDDEN = frozenset('<>:"|?*')
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [word + digit for word in ("com", "lpt") for digit in "0123456789\u00b9\u00b2\u00b3"]
)


def is_portable(name: str) -> bool:
    """Return whether Windows, the strictest of all, can have a file of this name.

    It cannot when a character has a meaning of its own there (``a:b`` is a stream of ``a``), when
    the name ends in what it drops, or when its first part is a device, whatever follows the dot.
    """
    stem = name.partition(".")[0].rstrip(" ").casefold()
    return not (_FORBIDDEN & set(name) or name.endswith((".", " ")) or stem in _DEVICES)

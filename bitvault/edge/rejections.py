"""What the edge refuses in its own words."""

from typing import Any


class Rejected(Exception):  # noqa: N818 - carries a problem out of the edge's own checks
    """The edge refuses a request before, or instead of, asking a room."""

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.members = members


def invalid(field: str, rule: str) -> Rejected:
    """Refuse a value; ``field`` is its name on the wire, ``rule`` what it breaks."""
    return Rejected("invalid", f"{field}: {rule}", field=field, rule=rule)


def disk_full() -> Rejected:
    """Refuse to write while the server's disk is short of room."""
    detail = (
        "The server's disk is nearly full, so nothing was written. Reading and removing still "
        "work; its operator has to make room."
    )
    return Rejected("disk_full", detail)

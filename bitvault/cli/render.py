"""Shapes as JSON values, and as lines for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bitvault.cli.output import human_size
from bitvault.client.clock import local_time
from bitvault.client.shapes import Node


def plain(shape: object) -> Any:
    """Turn a shape into JSON values."""
    return msgspec.to_builtins(shape)


def when(moment: datetime | str | None) -> str:
    """Render a time to the minute, as it is here."""
    return local_time(moment, seconds=False) if moment else "-"


def second(moment: datetime | str | None) -> str:
    """Render a time to the second, as it is here."""
    return local_time(moment) if moment else "-"


def node_line(node: Node) -> str:
    """Render a node as one line of a long list."""
    size = human_size(node.size) if node.size is not None else "-"
    mark = "/" if node.kind == "folder" else ""
    return f"{size:>10}  {when(node.modified_at)}  {node.name}{mark}"


def table(rows: Iterable[Sequence[object]], heads: Sequence[str]) -> list[str]:
    """Align rows under their heads."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def details(members: dict[str, Any]) -> list[str]:
    """Render an object as ``name: value`` lines."""
    width = max((len(name) for name in members), default=0)
    return [f"{name:<{width}}  {_word(name, v)}" for name, v in members.items() if v is not None]


def _word(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith("At"):
        return local_time(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value

"""What events of nodes say besides their place."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID


def facts_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a node is, from its row: its kind, and what is said of its content."""
    content = ("version", "size", "hash", "content_type", "content_modified_at")
    return {"node_kind": row["kind"], **{name: row[name] for name in content}}


def place_in(row: Mapping[str, Any]) -> tuple[UUID, str]:
    """Return where a node is: its folder, and its name there."""
    return row["parent_id"], row["name"]

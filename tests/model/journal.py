"""The events of a run, folded into a tree: it must be the tree that there is (I4, I6, I8b)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from bitvault.drivers.postgres.port import Row

Tree = dict[str, dict[str, Any]]
_FIELDS = ("parent_id", "name", "version", "size", "hash", "entry_id", "revision")


def check(events: Sequence[Row], nodes: Sequence[Row], positions: Mapping[int, UUID]) -> None:
    """Fold the events in order, and compare the outcome with the rows."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    tree: Tree = {}
    entries = set[str]()
    for event in events:
        if not event["kind"].startswith("node."):
            continue
        payload = event["payload"]
        body = payload if isinstance(payload, dict) else msgspec.json.decode(payload)
        _fold(tree, entries, event["kind"], str(event["aggregate_id"]), event["revision"], body)
        if event["seq"] in positions:
            assert positions[event["seq"]] == event["aggregate_id"]
    assert tree == {str(row["node_id"]): _shown(row) for row in nodes}


def _shown(row: Row) -> dict[str, Any]:
    ids = ("parent_id", "entry_id")
    return {name: str(row[name]) if name in ids and row[name] else row[name] for name in _FIELDS}


def _fold(
    tree: Tree,
    entries: set[str],
    kind: str,
    node_id: str,
    revision: int,
    body: Mapping[str, Any],
) -> None:
    node = tree.get(node_id)
    if node is None:
        assert kind in {"node.created", "node.committed"}
        assert body["parent_id"] is None or body["parent_id"] in tree  # its cause came first (I5)
        node = tree[node_id] = dict.fromkeys(_FIELDS)
        node.update(parent_id=body["parent_id"], name=body["name"], revision=0, version=0)
    assert revision == node["revision"] + 1
    node["revision"] = revision
    match kind:
        case "node.created":
            node["version"] = None
        case "node.committed":
            assert body["version"] == node["version"] + 1
            assert (body["parent_id"], body["name"]) == (node["parent_id"], node["name"])
            node.update(version=body["version"], size=body["size"], hash=body["hash"])
        case "node.moved":
            assert (body["from_parent_id"], body["from_name"]) == (node["parent_id"], node["name"])
            node.update(parent_id=body["parent_id"], name=body["name"])
        case "node.trashed":
            node["entry_id"] = body["entry_id"]
            entries.add(body["entry_id"])
        case "node.restored":
            assert body["entry_id"] == node["entry_id"]
            above = node["parent_id"]
            node.update(entry_id=None, parent_id=body["parent_id"], name=body["name"])
            entries.discard(body["entry_id"])
            _drop_empty(tree, entries, above)
        case "node.purged":
            assert body["entry_id"] == node["entry_id"]
            entries.discard(body["entry_id"])
            _forget(tree, node_id, body["entry_id"])
            assert (node_id in tree) == body["holds_trash"]
            _drop_empty(tree, entries, node["parent_id"])
        case _:
            raise AssertionError(kind)


def _forget(tree: Tree, node_id: str, entry_id: str) -> None:
    """Remove a node and all below it, but what is in the trash by itself and what leads there."""
    for below, node in list(tree.items()):
        if node["parent_id"] == node_id and node["entry_id"] is None:
            _forget(tree, below, entry_id)
    if any(node["parent_id"] == node_id for node in tree.values()):
        tree[node_id]["entry_id"] = entry_id
    else:
        del tree[node_id]


def _drop_empty(tree: Tree, entries: set[str], node_id: str | None) -> None:
    """Remove folders that were kept for what was below them."""
    while node_id in tree:
        entry_id, parent_id = tree[node_id]["entry_id"], tree[node_id]["parent_id"]
        is_kept = entry_id is not None and entry_id not in entries
        if not is_kept or any(node["parent_id"] == node_id for node in tree.values()):
            return
        del tree[node_id]
        node_id = parent_id

"""The invariants of reliability §2, on the committed rows and on what the object store holds.

Those of the kind ``always`` hold between any two transactions, ``quiet`` ones soon after the last
request, ``end`` ones once every upload's lifetime is over, ``clean`` ones some graces later. The
rest is Python: bytes, names, and the tree the journal tells of.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from bitvault.drivers.objects.memory import MemoryObjectStore
from tests.simulation.model import Event, Node, Tree, name_key
from tests.simulation.observations import TAGS, content_of, hash_of, modified_of, type_of
from tests.simulation.plans import Knobs
from tests.simulation.sessions import Sessions

_HEADER = re.compile(r"^-- (always|quiet|end|clean) (.+) --$", re.MULTILINE)
_EVENTS = """
    SELECT tenant_id, seq, origin ->> 'request_id' AS request, kind, aggregate_id, revision,
           payload, user_id
      FROM outbox.event ORDER BY tenant_id, seq
"""
_NODES = """
    SELECT n.tenant_id, n.node_id, n.parent_id, n.kind, n.name, n.name_key, n.revision, n.entry_id,
           n.hash, v.sizes, v.hashes
      FROM files.node n LEFT JOIN LATERAL (
           SELECT array_agg(size ORDER BY version) AS sizes,
                  array_agg(hash ORDER BY version) AS hashes
             FROM files.version v WHERE v.tenant_id = n.tenant_id AND v.node_id = n.node_id) v
        ON true
"""
_TYPES = "SELECT node_id, version, hash, content_type, content_modified_at FROM files.version"
_QUOTAS = """
    SELECT t.holder_id, t.quota, t.space_quota,
           (SELECT count(*) FROM files.space s
              JOIN files.usage u ON u.tenant_id = s.tenant_id AND u.holder_id = s.space_id
             WHERE s.tenant_id = t.tenant_id AND s.kind = 'personal' AND NOT u.follows) AS own
      FROM files.usage t WHERE t.holder_id = t.tenant_id
"""
_BLOBS = "SELECT object_key, hash, size FROM files.blob WHERE refs > 0 ORDER BY tenant_id, hash"


def _load() -> Mapping[str, str]:
    text = (Path(__file__).parent / "invariants.sql").read_text(encoding="utf-8")
    _, *parts = _HEADER.split(text)
    blocks: dict[str, list[str]] = {"always": [], "quiet": [], "end": [], "clean": []}
    for kind, name, sql in zip(parts[0::3], parts[1::3], parts[2::3], strict=True):
        block = f"SELECT '{name}: ' || what FROM (\n{sql.strip()}\n) AS broken (what)"  # noqa: S608 - ours
        blocks[kind].append(block)
    blocks["end"] += blocks["quiet"]
    return {kind: "\nUNION ALL\n".join(each) for kind, each in blocks.items()}


_SQL = _load()


def broken_rows(sessions: Sessions, kind: str) -> list[str]:
    """Return what the committed rows break."""
    return [row[0] for row in sessions.fetch(_SQL[kind])]


def broken_bytes(sessions: Sessions, store: MemoryObjectStore, knobs: Knobs) -> list[str]:
    """Return blobs whose bytes are not there, or are not what they are said to be (I1, I2)."""
    broken = []
    for row in sessions.fetch(_BLOBS):
        stored = store._objects.get(row["object_key"])
        held = stored and (len(stored.data), hash_of(stored.data, knobs.single_max, knobs.part))
        if held != (row["size"], row["hash"]):
            broken.append(f"I1 the store holds {held} for {row['hash']} of {row['size']} bytes")
    return broken


def broken_types(sessions: Sessions, knobs: Knobs) -> list[str]:
    """Return versions of another type or time than every client said of that content (I9)."""
    contents = {tag: hash_of(content_of(tag), knobs.single_max, knobs.part) for tag in range(TAGS)}
    said = {content: (type_of(tag), modified_of(tag)) for tag, content in contents.items()}
    broken = []
    for row in sessions.fetch(_TYPES):
        kept = row["content_type"], row["content_modified_at"]
        if kept != said.get(row["hash"]):
            broken.append(f"I9 version {row['version']} of {row['node_id']} is said to be {kept}")
    return broken


def broken_quotas(sessions: Sessions, knobs: Knobs) -> list[str]:
    """Return tenants whose quotas, which nobody changes, are not those of the settings (I19)."""
    wanted = (knobs.tenant_quota, knobs.space_quota, 0)
    rows = [(row["holder_id"], tuple(row)[1:]) for row in sessions.fetch(_QUOTAS)]
    return [f"I19 tenant {tenant} may hold {held}" for tenant, held in rows if held != wanted]


def journals(sessions: Sessions) -> dict[UUID, list[Event]]:
    """Return every tenant's events in order."""
    found: dict[UUID, list[Event]] = defaultdict(list)
    for row in sessions.fetch(_EVENTS):
        fields = (row["request"] or "", row["kind"], row["aggregate_id"], row["revision"])
        found[row["tenant_id"]].append(Event(row["seq"], *fields, row["payload"], row["user_id"]))
    return found


def nodes(sessions: Sessions, broken: list[str]) -> dict[UUID, dict[UUID, Node]]:
    """Return every tenant's nodes as the rows have them; note what differs inside a row."""
    found: dict[UUID, dict[UUID, Node]] = defaultdict(dict)
    for row in sessions.fetch(_NODES):
        versions = tuple(zip(row["sizes"] or (), row["hashes"] or (), strict=True))
        node = Node(
            row["node_id"],
            row["parent_id"],
            row["kind"],
            row["name"],
            row["revision"],
            row["entry_id"],
            versions,
        )
        found[row["tenant_id"]][node.node_id] = node
        if name_key(row["name"]) != row["name_key"]:
            broken.append(f"I13 the key of {row['name']!r} is {row['name_key']!r}")
        if versions and versions[-1][1] != row["hash"]:
            broken.append(f"I9 {row['name']!r} shows another content than its version")
    return found


def broken_tree(rows: Mapping[UUID, Node], told: Tree) -> list[str]:
    """Compare a tenant's nodes with those its journal tells of (I6, I8)."""
    lost = [f"I8 an event is lost: {node}" for key, node in rows.items() if key not in told.nodes]
    gone = [f"I11 is told of, but gone: {n}" for key, n in told.nodes.items() if key not in rows]
    other = [
        f"I6 the tree has {node}, the journal {told.nodes[key]}"
        for key, node in rows.items()
        if key in told.nodes and told.nodes[key] != node
    ]
    return lost + gone + other


def unowned(sessions: Sessions, store: MemoryObjectStore, *, parts: bool) -> list[str]:
    """Return what the store holds and no version needs (I15c), with or without unfinished parts."""
    needed = {row["object_key"] for row in sessions.fetch(_BLOBS)}
    left = [f"the store keeps {key}" for key in sorted(store._objects) if key not in needed]
    begun = sorted(store._multiparts) if parts else []
    return left + [f"the store keeps the upload {one}" for one in begun]

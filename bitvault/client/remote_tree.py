"""What the server has of a tree that is about to go up, asked for folder by folder."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice

from attrs import field, frozen

from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.client.names import path_key
from bitvault.client.shapes import Node
from bitvault.client.walk import LocalFile, LocalFolder
from bitvault.client.workers import Failed, each

FEW = 1000
"""Children of a folder that are listed at any rate: one page."""
WORTH = 100
"""Listing so many children costs about as much as looking at one name."""
_BY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:/", re.IGNORECASE)

Entry = LocalFile | LocalFolder


@frozen
class RemoteTree:
    """Nodes below a target by the key of their relative path; ``root`` is the target itself."""

    root: Node | None = None
    nodes: Mapping[str, Node] = field(factory=dict)

    def at(self, relative: str) -> Node | None:
        """Return what is there under a name that the server takes for this one."""
        return self.nodes.get(path_key(relative))


@frozen
class _Folder:
    key: str
    path: str
    node: Node


def remote_tree(client: Client, jobs: int, target: str, entries: Iterable[Entry]) -> RemoteTree:
    """Ask for what may meet ``entries``; costs no more because a remote folder is large.

    Raises:
        BitVaultError: a folder could not be listed.
    """
    root = find(client, target or "/")
    if root is None or root.kind != "folder":
        return RemoteTree(root)
    inside = defaultdict[str, list[str]](list)
    folders = set()
    for entry in entries:
        inside[path_key(entry.relative).rpartition("/")[0]].append(entry.relative)
        if isinstance(entry, LocalFolder):
            folders.add(path_key(entry.relative))
    nodes: dict[str, Node] = {}
    level = [_Folder("", target.rstrip("/"), root)]
    while level:
        below = []
        found = each(jobs, lambda one: _children(client, one, inside[one.key]), level)
        for folder, children in zip(level, found, strict=True):
            if isinstance(children, Failed):
                raise children.error
            for node in children:
                key = path_key(f"{folder.key}/{node.name}".lstrip("/"))
                nodes[key] = node
                if node.kind == "folder" and key in folders and inside[key]:
                    below.append(_Folder(key, f"{folder.path}/{node.name}", node))
        level = below
    return RemoteTree(root, nodes)


def find(client: Client, path: str) -> Node | None:
    """Return the node at a path, or None."""
    try:
        return client.node(path)
    except Problem as problem:
        if problem.code != "node_not_found" and not may_be_unseen(problem.code, path):
            raise
        return None


def may_be_unseen(code: str, path: str) -> bool:
    """Say whether it may be a folder that one may only add to: it looks as if it were not there.

    It is addressed by its id, and what is put into it shows whether it is.
    """
    return code == "space_not_found" and _BY_ID.match(path) is not None


def _children(client: Client, folder: _Folder, wanted: list[str]) -> list[Node]:
    """List a folder; or, when that is far larger than what is wanted in it, ask name by name."""
    most = max(FEW, WORTH * len(wanted))
    listed = list(islice(client.children(folder.node.id), most + 1))
    if len(listed) <= most:
        return listed
    paths = (f"{folder.path}/{relative.rpartition('/')[2]}" for relative in wanted)
    return [node for path in paths if (node := find(client, path)) is not None]

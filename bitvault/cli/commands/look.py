"""``ls`` and ``stat``."""

# ruff: noqa: FBT001 - click passes flags by name

import click

from bitvault.cli.context import bare, connect, is_id, remote_path, reports
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.output import Report
from bitvault.cli.render import details, node_line, plain
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.client.shapes import Node
from bitvault.wire.sharing import SharedNode


@click.command(epilog="Examples: bitvault ls; bitvault ls -l /photos; bitvault ls Team:/")
@click.argument("path", default="/", callback=remote_path)
@click.option("-l", "long", is_flag=True, help="Sizes and times too.")
@reports
def ls(path: str, long: bool) -> Report:
    """List a folder, or one file."""
    with connect() as client:
        node = seen(client, bare(path))
        nodes = list(client.children(node.id)) if node.kind == "folder" else [node]
    if long:
        lines = [node_line(one) for one in nodes]
    else:
        lines = [one.name + ("/" if one.kind == "folder" else "") for one in nodes]
    return Report([plain(one) for one in nodes], lines)


@click.command(epilog="Example: bitvault stat /photos/a.jpg")
@click.argument("path", callback=remote_path)
@reports
def stat(path: str) -> Report:
    """Show what is known of a file or folder."""
    with connect() as client:
        node = plain(seen(client, bare(path)))
    return Report([node], details(node))


def seen(client: Client, path: str) -> Node:
    """Describe a node; tell what is hidden from an uploader from what is not there.

    Raises:
        NotFoundHere: it may be there, but the user only adds to the folder.
    """
    try:
        return client.node(path)
    except Problem as problem:
        folder = path.partition(":")[0]
        if problem.status != 404 or not is_id(folder):  # noqa: PLR2004 - HTTP
            raise
        for one in client.listed("/v1/shared", SharedNode):
            if str(one.id) == folder.lower() and one.node is None:
                detail = f"you may put files in {folder}:/ ({one.name}), and see nothing of it"
                raise NotFoundHere("not_seen", detail) from problem
        raise

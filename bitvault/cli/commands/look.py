"""``ls`` and ``stat``."""

# ruff: noqa: FBT001 - click passes flags by name

import click

from bitvault.cli.context import bare, connect, remote_path, reports
from bitvault.cli.output import Report
from bitvault.cli.render import details, node_line, plain


@click.command(epilog="Examples: bitvault ls; bitvault ls -l /photos; bitvault ls Team:/")
@click.argument("path", default="/", callback=remote_path)
@click.option("-l", "long", is_flag=True, help="Sizes and times too.")
@reports
def ls(path: str, long: bool) -> Report:
    """List a folder, or one file."""
    with connect() as client:
        node = client.node(bare(path))
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
        node = plain(client.node(bare(path)))
    return Report([node], details(node))

"""``versions list|restore``."""

import click

from bitvault.cli.context import NUMBER, connect, remote_path, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain, table, when


@click.group(cls=Listing)
def versions() -> None:
    """List or restore the versions of a file."""


@versions.command("list", epilog="Example: bitvault versions list /report.odt")
@click.argument("path", callback=remote_path)
@reports
def list_(path: str) -> Report:
    """List the versions of a file, newest first."""
    with connect() as client:
        node = client.node(path)
        found = list(client.versions(node))
    rows = [
        (
            f"{one.version}{'*' if one.is_current else ''}",
            human_size(one.size),
            when(one.created_at),
        )
        for one in found
    ]
    return Report([plain(one) for one in found], table(rows, ("version", "size", "created")))


@versions.command(epilog="Example: bitvault versions restore /report.odt 3")
@click.argument("path", callback=remote_path)
@click.argument("version", type=NUMBER)
@reports
def restore(path: str, version: int) -> Report:
    """Make an old version's content current again, as a new version."""
    with connect() as client:
        done = client.restore_version(client.node(path), version)
    line = f"{done.node.path}: version {done.node.version} has the content of version {version}"
    return Report([plain(done)], [line])

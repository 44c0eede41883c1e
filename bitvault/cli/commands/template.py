"""``admin template show|set``: what new spaces start with."""

import click

from bitvault.cli.context import bare, connect, is_id, remote, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import plain
from bitvault.wire.templates import Templates

_PATH = "/v1/tenant/templates"


@click.group(cls=Listing)
def template() -> None:
    """Show or change what new spaces of your tenant start with."""


@template.command(epilog="Example: bitvault admin template show")
@reports
def show() -> Report:
    """Show the folders whose content new spaces start with."""
    with connect() as client:
        found = client.rest.call("GET", _PATH, Templates)
    return Report([plain(found)], _lines(found))


@template.command(
    "set",
    epilog="Examples: bitvault admin template set personal /templates/welcome; "
    "bitvault admin template set team none",
)
@click.argument("kind", type=click.Choice(["personal", "team"]))
@click.argument("folder")
@reports
def set_(kind: str, folder: str) -> Report:
    """Have new spaces start with what is in FOLDER (a path or an id), or with `none`."""
    known = folder == "none" or is_id(folder)
    path = "" if known else bare(remote(folder))
    with connect() as client:
        node_id = folder if known else str(client.node(path).id)
        body = {"kind": kind, **({} if folder == "none" else {"nodeId": node_id})}
        changed = client.rest.call("PATCH", _PATH, Templates, body=body)
    return Report([plain(changed)], _lines(changed))


def _lines(found: Templates) -> list[str]:
    return [f"personal  {found.personal or '-'}", f"team      {found.team or '-'}"]

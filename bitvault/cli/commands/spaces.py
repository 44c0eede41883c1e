"""``spaces list|create|members|add-member|remove-member``."""

from typing import Any

import click

from bitvault.cli.context import connect, reports
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain, table
from bitvault.client.client import Client
from bitvault.wire.spaces import Member, Space


@click.group()
def spaces() -> None:
    """List or create spaces; manage their members."""


@spaces.command("list", epilog="Example: bitvault spaces list")
@reports
def list_() -> Report:
    """List the spaces you may enter."""
    with connect() as client:
        found = list(client.listed("/v1/spaces", Space))
    rows = [
        (
            one.name,
            one.kind,
            one.role,
            human_size(one.used),
            human_size(one.quota) if one.quota is not None else "-",
            one.id,
        )
        for one in found
    ]
    heads = ("name", "kind", "role", "used", "quota", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@spaces.command(epilog="Example: bitvault spaces create Team --quota 1000000000")
@click.argument("name")
@click.option("--quota", type=click.IntRange(0), help="Bytes; else without limit.")
@reports
def create(name: str, quota: int | None) -> Report:
    """Create a team space; its paths begin with NAME:/."""
    body: dict[str, Any] = {"name": name, **({} if quota is None else {"quota": quota})}
    with connect() as client:
        made = client.rest.call("POST", "/v1/spaces", Space, body=body)
    return Report([plain(made)], [f"made {made.name}:/ ({made.id})"])


def _space_id(client: Client, space: str) -> Any:
    return client.node(f"{space}:/").space_id


@spaces.command(epilog="Example: bitvault spaces members Team")
@click.argument("space")
@reports
def members(space: str) -> Report:
    """List the members of a team space."""
    with connect() as client:
        path = f"/v1/spaces/{_space_id(client, space)}/members"
        found = list(client.listed(path, Member, limit=None))
    rows = [(one.user_id, one.role) for one in found]
    return Report([plain(one) for one in found], table(rows, ("user", "role")))


@spaces.command("add-member", epilog="Example: bitvault spaces add-member Team USER-ID editor")
@click.argument("space")
@click.argument("user_id")
@click.argument("role", type=click.Choice(["viewer", "editor", "manager"]))
@reports
def add_member(space: str, user_id: str, role: str) -> Report:
    """Give a user a role in a team space."""
    with connect() as client:
        path = f"/v1/spaces/{_space_id(client, space)}/members/{user_id}"
        made = client.rest.call("PUT", path, Member, body={"role": role})
    return Report([plain(made)], [f"{user_id} is {role} of {space}"])


@spaces.command("remove-member", epilog="Example: bitvault spaces remove-member Team USER-ID")
@click.argument("space")
@click.argument("user_id")
@reports
def remove_member(space: str, user_id: str) -> Report:
    """Take a user out of a team space."""
    with connect() as client:
        client.rest.raw("DELETE", f"/v1/spaces/{_space_id(client, space)}/members/{user_id}")
    return Report([{"userId": user_id}], [f"{user_id} is no member of {space} any more"])

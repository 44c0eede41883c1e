"""``spaces list|create|members|add-member|remove-member``."""

from typing import Any

import click

from bitvault.cli.commands.users import user_id
from bitvault.cli.context import connect, reports
from bitvault.cli.failures import NotFoundHere
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
    rows = [(one.login or "-", one.role, one.user_id) for one in found]
    return Report([plain(one) for one in found], table(rows, ("user", "role", "id")))


@spaces.command("add-member", epilog="Example: bitvault spaces add-member Team ann editor")
@click.argument("space")
@click.argument("user")
@click.argument("role", type=click.Choice(["viewer", "editor", "manager"]))
@reports
def add_member(space: str, user: str, role: str) -> Report:
    """Give USER (a login or an id) a role in a team space."""
    with connect() as client:
        path = f"/v1/spaces/{_space_id(client, space)}/members/{user_id(client, user)}"
        made = client.rest.call("PUT", path, Member, body={"role": role})
    return Report([plain(made)], [f"{user} is {role} of {space}"])


@spaces.command("remove-member", epilog="Example: bitvault spaces remove-member Team ann")
@click.argument("space")
@click.argument("user")
@reports
def remove_member(space: str, user: str) -> Report:
    """Take USER (a login or an id) out of a team space."""
    with connect() as client:
        who = user_id(client, user)
        path = f"/v1/spaces/{_space_id(client, space)}/members"
        if not any(str(one.user_id) == str(who) for one in client.listed(path, Member, limit=None)):
            raise NotFoundHere("not_a_member", f"{user} is no member of {space}")
        client.rest.raw("DELETE", f"{path}/{who}")
    return Report([{"userId": who}], [f"{user} is no member of {space} any more"])

"""``spaces list|create|rename|quota|delete|members|add-member|remove-member``."""

# ruff: noqa: FBT001 - click passes flags by name

from typing import Any

import click

from bitvault.cli.commands.users import user_id
from bitvault.cli.context import connect, is_id, reports, sure
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain, table
from bitvault.cli.sizes import size as bytes_or
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.text import folded
from bitvault.wire.spaces import Member, Space


@click.group(cls=Listing)
def spaces() -> None:
    """List, create, change or delete spaces; manage their members."""


@spaces.command("list", epilog="Examples: bitvault spaces list; bitvault spaces list --all --json")
@click.option("--all", "every", is_flag=True, help="Every team space of the tenant; for admins.")
@reports
def list_(every: bool) -> Report:
    """List the spaces you may enter."""
    with connect() as client:
        found = list(client.listed("/v1/spaces", Space, **({"all": "true"} if every else {})))
    rows = [
        (
            one.name,
            one.kind,
            one.role or "-",
            human_size(one.used),
            human_size(one.quota) if one.quota is not None else "-",
            one.id,
        )
        for one in found
    ]
    heads = ("name", "kind", "role", "used", "quota", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@spaces.command(epilog="Example: bitvault spaces create Team --quota 10G")
@click.argument("name")
@click.option("--quota", callback=bytes_or(), help="As 10G; else what the tenant gives each space.")
@reports
def create(name: str, quota: int | None) -> Report:
    """Create a team space; its paths begin with NAME:/."""
    body: dict[str, Any] = {"name": name, **({} if quota is None else {"quota": quota})}
    with connect() as client:
        made = client.rest.call("POST", "/v1/spaces", Space, body=body)
    return Report([plain(made)], [f"made {made.name}:/ ({made.id})"])


@spaces.command(epilog="Example: bitvault spaces rename Team Crew")
@click.argument("space")
@click.argument("name")
@reports
def rename(space: str, name: str) -> Report:
    """Rename the team space SPACE (a name or an id); its paths begin with NAME:/ then."""
    return _changed(space, {"name": name}, f"renamed {space} to {name}")


@spaces.command(
    epilog="Examples: bitvault spaces quota Team 10G; bitvault spaces quota Team none; "
    "bitvault spaces quota Team default"
)
@click.argument("space")
@click.argument("size", callback=bytes_or("none", "default"))
@reports
def quota(space: str, size: int | str) -> Report:
    """Set the quota of the team space SPACE; default: what the tenant gives each space."""
    words = {"none": {"unlimited": True}, "default": {"useDefault": True}}
    body = words[size] if isinstance(size, str) else {"quota": size}
    shown = size if isinstance(size, str) else human_size(size)
    return _changed(space, body, f"quota of {space}: {shown}")


def _changed(space: str, body: dict[str, Any], done: str) -> Report:
    with connect() as client:
        path = f"/v1/spaces/{_space_id(client, space)}"
        changed = client.rest.call("PATCH", path, Space, body=body)
    return Report([plain(changed)], [done])


@spaces.command(epilog="Example: bitvault spaces delete Team --yes")
@click.argument("space")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def delete(space: str, yes: bool) -> Report:
    """Delete the team space SPACE, in which nothing may be, trash included; for admins."""
    with connect() as client:
        space_id = _space_id(client, space)
        if not yes:
            sure(f"Delete the space {space}?")
        client.rest.raw("DELETE", f"/v1/spaces/{space_id}")
    return Report([{"id": str(space_id)}], [f"deleted {space}"])


def _space_id(client: Client, space: str) -> str:
    """Find a space by its name; an admin's who may not enter it is in the list of all."""
    if is_id(space):
        return space
    try:
        return str(client.node(f"{space}:/").space_id)
    except Problem as unseen:
        if unseen.code != "space_not_found":
            raise
        return _of_all(client, space, unseen)


def _of_all(client: Client, space: str, unseen: Problem) -> str:
    try:
        for one in client.listed("/v1/spaces", Space, all="true"):
            if folded(one.name) == folded(space):
                return str(one.id)
    except Problem as refused:
        if refused.code != "forbidden":
            raise
    raise unseen


@spaces.command(epilog="Example: bitvault spaces members Team")
@click.argument("space")
@reports
def members(space: str) -> Report:
    """List the members of a team space."""
    with connect() as client:
        path = f"/v1/spaces/{_space_id(client, space)}/members"
        found = list(client.listed(path, Member))
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
        if not any(str(one.user_id) == str(who) for one in client.listed(path, Member)):
            raise NotFoundHere("not_a_member", f"{user} is no member of {space}")
        client.rest.raw("DELETE", f"{path}/{who}")
    return Report([{"userId": who}], [f"{user} is no member of {space} any more"])

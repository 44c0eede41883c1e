"""``groups list|create|rename|delete|members|add-member|remove-member``."""

# ruff: noqa: FBT001 - click passes flags by name

from typing import Any

import click

from bitvault.cli.commands.users import user_id
from bitvault.cli.context import connect, is_id, reports, sure
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table, when
from bitvault.client.client import Client
from bitvault.wire.groups import Group
from bitvault.wire.sessions import User


@click.group(cls=Listing)
def groups() -> None:
    """List or change the groups of your tenant, and who is in them."""


@groups.command("list", epilog="Example: bitvault groups list")
@reports
def list_() -> Report:
    """List the groups of your tenant by name."""
    with connect() as client:
        found = list(client.listed("/v1/groups", Group))
    rows = [(one.name, when(one.created_at), one.id) for one in found]
    return Report([plain(one) for one in found], table(rows, ("name", "created", "id")))


@groups.command(epilog="Example: bitvault groups create Staff")
@click.argument("name")
@reports
def create(name: str) -> Report:
    """Create a group; for the tenant's admins."""
    with connect() as client:
        made = client.rest.call("POST", "/v1/groups", Group, body={"name": name})
    return Report([plain(made)], [f"made group {made.name} ({made.id})"])


@groups.command(epilog="Example: bitvault groups rename Staff Crew")
@click.argument("group")
@click.argument("name")
@reports
def rename(group: str, name: str) -> Report:
    """Rename GROUP (a name or an id)."""
    with connect() as client:
        path = f"/v1/groups/{group_id(client, group)}"
        made = client.rest.call("PATCH", path, Group, body={"name": name})
    return Report([plain(made)], [f"{group} is now {made.name}"])


@groups.command(epilog="Example: bitvault groups delete Crew --yes")
@click.argument("group")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def delete(group: str, yes: bool) -> Report:
    """Delete GROUP (a name or an id); its members stay users."""
    with connect() as client:
        which = group_id(client, group)
        if not yes:
            sure(f"Delete the group {group}? What it was given is lost to its members.")
        client.rest.raw("DELETE", f"/v1/groups/{which}")
    return Report([{"id": which}], [f"deleted group {group}"])


@groups.command(epilog="Example: bitvault groups members Staff")
@click.argument("group")
@reports
def members(group: str) -> Report:
    """List who is in GROUP."""
    with connect() as client:
        found = list(client.listed(f"/v1/groups/{group_id(client, group)}/members", User))
    rows = [(one.login, one.display_name, one.id) for one in found]
    return Report([plain(one) for one in found], table(rows, ("login", "name", "id")))


@groups.command("add-member", epilog="Example: bitvault groups add-member Staff ann")
@click.argument("group")
@click.argument("user")
@reports
def add_member(group: str, user: str) -> Report:
    """Put USER (a login or an id) in GROUP."""
    with connect() as client:
        path = f"/v1/groups/{group_id(client, group)}/members/{user_id(client, user)}"
        made: Any = client.rest.call("PUT", path, User)
    return Report([plain(made)], [f"{made.login} is in {group}"])


@groups.command("remove-member", epilog="Example: bitvault groups remove-member Staff ann")
@click.argument("group")
@click.argument("user")
@reports
def remove_member(group: str, user: str) -> Report:
    """Take USER (a login or an id) out of GROUP."""
    with connect() as client:
        who = user_id(client, user)
        client.rest.raw("DELETE", f"/v1/groups/{group_id(client, group)}/members/{who}")
    return Report([{"userId": who}], [f"{user} is not in {group} any more"])


def group_id(client: Client, group: str) -> str:
    """Return the id of a group that is named by name or id.

    Raises:
        NotFoundHere: no group of the tenant has that name.
    """
    if is_id(group):
        return group
    for found in client.listed("/v1/groups", Group, name=group):
        return str(found.id)
    raise NotFoundHere("group_not_found", f"there is no group {group!r} in your tenant")

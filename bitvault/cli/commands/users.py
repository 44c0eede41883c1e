"""``users list|create``."""

# ruff: noqa: FBT001 - click passes flags by name

from pathlib import Path

import click

from bitvault.cli.context import connect, is_id, new_password, reports
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table, when
from bitvault.client.client import Client
from bitvault.wire.sessions import User


@click.group()
def users() -> None:
    """List the users of your tenant, or create one."""


@users.command("list", epilog="Example: bitvault users list")
@reports
def list_() -> Report:
    """List the users of your tenant by login."""
    with connect() as client:
        found = list(client.listed("/v1/users", User))
    rows = [
        (one.login, one.display_name, "admin" if one.is_admin else "", when(one.created_at), one.id)
        for one in found
    ]
    heads = ("login", "name", "", "created", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@users.command(epilog="Example: bitvault users create ann --name 'Ann Arbor'")
@click.argument("login")
@click.option("--name", default="", help="As people call the user.")
@click.option("--admin", is_flag=True, help="An admin of the tenant.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read the password from a file (its last newline is dropped); else it is asked for.",
)
@reports
def create(login: str, name: str, admin: bool, password_file: Path | None) -> Report:
    """Create a user in your tenant; for its admins."""
    password = new_password(password_file, "Password of the new user")
    body = {"login": login, "password": password, "displayName": name, "isAdmin": admin}
    with connect() as client:
        made = client.rest.call("POST", "/v1/users", User, body=body)
    return Report([plain(made)], [f"made user {made.login} ({made.id})"])


def user_id(client: Client, user: str) -> str:
    """Return the id of a user that is named by login or id.

    Raises:
        NotFoundHere: nobody in the tenant has that login.
    """
    if is_id(user):
        return user
    for found in client.listed("/v1/users", User, login=user):
        return str(found.id)
    raise NotFoundHere("user_not_found", f"there is no user {user!r} in your tenant")

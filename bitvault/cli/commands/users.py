"""``users list|create|change|disable|enable|email|quota|delete``."""

# ruff: noqa: FBT001 - click passes flags by name

import shlex
from pathlib import Path
from typing import Any

import click

from bitvault.cli.commands.quota import limit
from bitvault.cli.context import connect, is_id, new_password, reports, sure
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain, table, when
from bitvault.cli.sizes import size as bytes_or
from bitvault.client.client import Client
from bitvault.wire.mail import MailSettings
from bitvault.wire.quotas import SpaceQuota
from bitvault.wire.sessions import User, UserDeleted


@click.group(cls=Listing)
def users() -> None:
    """List the users of your tenant; create, change, disable or delete one."""


@users.command("list", epilog="Example: bitvault users list")
@reports
def list_() -> Report:
    """List the users of your tenant by login."""
    with connect() as client:
        found = list(client.listed("/v1/users", User))
    rows = [
        (one.login, one.display_name, _marks(one), when(one.created_at), one.id) for one in found
    ]
    heads = ("login", "name", "is", "created", "id")
    return Report([plain(one) for one in found], table(rows, heads))


def _marks(user: User) -> str:
    words = {
        "operator": user.is_operator,
        "admin": user.is_admin,
        "service": user.kind == "service",
        "off": user.is_disabled,
    }
    return " ".join(word for word, holds in words.items() if holds)


@users.command(
    epilog="Examples: bitvault users create ann --name 'Ann Arbor'; "
    "bitvault users create robot --service"
)
@click.argument("login")
@click.option("--name", default="", help="As people call the user.")
@click.option("--admin", is_flag=True, help="An admin of the tenant.")
@click.option("--service", is_flag=True, help="A program: it has tokens and no password.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read the password from a file (- is standard input; its last newline is dropped); else "
    "it is asked for.",
)
@reports
def create(login: str, name: str, admin: bool, service: bool, password_file: Path | None) -> Report:
    """Create a user in your tenant; for its admins."""
    if service and password_file is not None:
        raise click.UsageError("a service has no password: leave --password-file out")
    body: dict[str, Any] = {"login": login, "displayName": name, "isAdmin": admin}
    if service:
        body["kind"] = "service"
    else:
        body["password"] = new_password(password_file, "Password of the new user")
    with connect() as client:
        made = client.rest.call("POST", "/v1/users", User, body=body)
    lines = [f"made user {made.login} ({made.id})"]
    lines += [f"its tokens: bitvault token create NAME --for {made.login}"] if service else []
    return Report([plain(made)], lines)


@users.command(epilog="Example: bitvault users change ann --admin --name 'Ann Arbor'")
@click.argument("user")
@click.option("--name", help="As people call the user.")
@click.option("--admin/--no-admin", default=None, help="An admin of the tenant, or none.")
@reports
def change(user: str, name: str | None, admin: bool | None) -> Report:
    """Change the name or the role of USER (a login or an id)."""
    if name is None and admin is None:
        raise click.UsageError("say what to change: --name, --admin or --no-admin")
    return _changed(user, {"displayName": name, "isAdmin": admin}, "changed")


@users.command(epilog="Example: bitvault users disable ann")
@click.argument("user")
@reports
def disable(user: str) -> Report:
    """Keep USER out: sessions and tokens end at once and for good; the files stay.

    A program (service account) that is enabled again needs new tokens.
    """
    return _changed(user, {"isDisabled": True}, "disabled")


@users.command(epilog="Example: bitvault users enable ann")
@click.argument("user")
@reports
def enable(user: str) -> Report:
    """Let USER in again, with the same password and no tokens."""
    return _changed(user, {"isDisabled": False}, "enabled")


@users.command(epilog="Example: bitvault users email ann ann@example.org")
@click.argument("user")
@click.argument("address")
@reports
def email(user: str, address: str) -> Report:
    """Have a link sent to ADDRESS; it is USER's once they have confirmed it."""
    with connect() as client:
        path, body = f"/v1/users/{user_id(client, user)}/email", {"email": address}
        settings = client.rest.call("PUT", path, MailSettings, body=body)
    return Report([plain(settings)], [f"a link is on its way to {address}"])


def _changed(user: str, body: dict[str, Any], done: str) -> Report:
    with connect() as client:
        path = f"/v1/users/{user_id(client, user)}"
        changed = client.rest.call("PATCH", path, User, body=body)
    return Report([plain(changed)], [f"{done} {changed.login}"])


@users.command(
    epilog="Examples: bitvault users quota ann; bitvault users quota ann 10G; "
    "bitvault users quota ann default"
)
@click.argument("user")
@click.argument("size", callback=bytes_or("none", "default"), required=False)
@reports
def quota(user: str, size: int | str | None) -> Report:
    """Show what the personal space of USER (a login or an id) holds, or set its quota to SIZE."""
    words = {"none": {"unlimited": True}, "default": {"useDefault": True}}
    with connect() as client:
        path = f"/v1/users/{user_id(client, user)}/quota"
        if size is None:
            found = client.rest.call("GET", path, SpaceQuota)
        else:
            body = words[size] if isinstance(size, str) else {"quota": size}
            found = client.rest.call("PATCH", path, SpaceQuota, body=body)
    whose = "set by an admin"
    if found.is_default:
        whose = "the tenant's for each space"
    if found.provider_id is not None:
        whose = f"given by the identity provider {found.provider_id}"
    of = "used, " if found.quota is None else "of "
    line = f"{human_size(found.used)} {of}{limit(found.quota)} ({whose})"
    return Report([plain(found)], [line])


@users.command(epilog="Example: bitvault users delete ann --heir bob --yes")
@click.argument("user")
@click.option("--heir", help="Who manages the files from now on; else an admin says later.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def delete(user: str, heir: str | None, yes: bool) -> Report:
    """Delete USER. Their files stay, in a team space of their own."""
    with connect() as client:
        who, next_one = user_id(client, user), heir and user_id(client, heir)
        if not yes:
            sure(f"Delete the user {user}? The files stay, the login does not come back.")
        path = f"/v1/users/{who}"
        done = client.rest.call("DELETE", path, UserDeleted, params={"heir": next_one})
    lines = [f"deleted {user}"]
    if done.space_name:
        name = shlex.quote(done.space_name)
        lines.append(f"the files are in {done.space_name}:/")
        if next_one is None:
            lines.append(f"give them on: bitvault spaces add-member {name} LOGIN manager")
    return Report([plain(done)], lines)


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

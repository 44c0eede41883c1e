"""``share``, ``unshare``, ``shared``, ``access``, ``restrict``."""

# ruff: noqa: FBT001 - click passes flags by name

import click

from bitvault.cli.commands.groups import group_id
from bitvault.cli.commands.users import user_id
from bitvault.cli.context import DRY_RUN, connect, is_id, reports
from bitvault.cli.exposure import foresee, foreseen, name_of
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table
from bitvault.client.client import Client
from bitvault.wire.sharing import EVERYONE, Grant, Holder, SharedNode, Shares

_WHO = "a login, a group's name, an id, or `everyone`"


@click.command(
    epilog="Examples: bitvault share /plans ann editor; bitvault share /plans Staff viewer; "
    "bitvault share /handbook everyone viewer; bitvault share /inbox Staff uploader"
)
@click.argument("path")
@click.argument("who")
@click.argument("role", type=click.Choice(["uploader", "viewer", "editor", "manager"]))
@DRY_RUN
@reports
def share(path: str, who: str, role: str, dry_run: bool) -> Report:
    """Give WHO a role on a file or folder and all below it.

    WHO is a login, a group's name, an id, or `everyone` for all users of the tenant. A viewer
    reads, an editor changes what is in it, a manager also says who else may. An uploader puts
    files in and sees nothing of what is there.
    """
    with connect() as client:
        node_id, grantee = client.node(path).id, _grantee(client, who)
        if dry_run:
            change = {"grant": {"granteeId": grantee, "role": role}}
            return foreseen(f"would share {path}", foresee(client, node_id, change))
        at = f"/v1/files/{node_id}/grants/{grantee}"
        made = client.rest.call("PUT", at, Grant, body={"role": role})
    return Report([plain(made)], [f"{name_of(made.grantee)} is {role} of {path}"])


@click.command(epilog="Example: bitvault unshare /plans ann")
@click.argument("path")
@click.argument("who")
@DRY_RUN
@reports
def unshare(path: str, who: str, dry_run: bool) -> Report:
    """Take back what WHO was given on a file or folder."""
    with connect() as client:
        node_id, grantee = client.node(path).id, _grantee(client, who)
        if dry_run:
            preview = foresee(client, node_id, {"grant": {"granteeId": grantee}})
            return foreseen(f"would take {path} back", preview)
        client.rest.raw("DELETE", f"/v1/files/{node_id}/grants/{grantee}")
    return Report([{"granteeId": grantee}], [f"took {path} back from {who}"])


@click.command(epilog="Example: bitvault shared")
@reports
def shared() -> Report:
    """List what others shared with you, with the paths by which you reach it."""
    with connect() as client:
        found = list(client.listed("/v1/shared", SharedNode))
    rows = [
        (
            one.name,
            one.node.kind if one.node else "folder",
            one.role,
            one.shared_by or "-",
            f"{one.id}:/",
        )
        for one in found
    ]
    heads = ("name", "kind", "role", "by", "path")
    return Report([plain(one) for one in found], table(rows, heads))


@click.command(epilog="Example: bitvault access /plans/budget.ods")
@click.argument("path")
@reports
def access(path: str) -> Report:
    """Show who has access to a file or folder, and what gives it to them."""
    with connect() as client:
        at = f"/v1/files/{client.node(path).id}/access"
        found = list(client.listed(at, Holder))
    rows = [
        (name_of(one.grantee), one.grantee.kind, one.role, ", ".join(one.rights), _why(one))
        for one in found
    ]
    return Report([plain(one) for one in found], table(rows, ("who", "kind", "role", "may", "by")))


@click.command(
    epilog="Examples: bitvault restrict /plans/salaries; bitvault restrict --lift /plans/salaries"
)
@click.argument("path")
@click.option("--lift", is_flag=True, help="Pass on again what is granted above.")
@DRY_RUN
@reports
def restrict(path: str, lift: bool, dry_run: bool) -> Report:
    """Have what is granted above a folder end there, but for managers."""
    with connect() as client:
        node_id = client.node(path).id
        if dry_run:
            verb = "lift the restriction of" if lift else "restrict"
            preview = foresee(client, node_id, {"restricted": not lift})
            return foreseen(f"would {verb} {path}", preview)
        at = f"/v1/files/{node_id}/restriction"
        shares = client.rest.call("DELETE" if lift else "PUT", at, Shares)
    told = "passes on what is granted above it" if lift else "is restricted"
    return Report([plain(shares)], [f"{path} {told}"])


def _grantee(client: Client, who: str) -> str:
    """Return the id of whom a word names; a user comes before a group of that name."""
    if who == "everyone":
        return str(EVERYONE)
    if is_id(who):
        return who
    for look in (user_id, group_id):
        try:
            return look(client, who)
        except NotFoundHere:
            continue
    raise NotFoundHere("grantee_not_found", f"{who!r} is no user or group; give {_WHO}")


def _why(one: Holder) -> str:
    return ", ".join(
        f"{reason.source} of {reason.path or 'a folder above'}" for reason in one.reasons
    )

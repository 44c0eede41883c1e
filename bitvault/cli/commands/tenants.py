"""``admin tenants list|create|suspend|resume|limit|export|erase|keep|erasures``: for operators."""

# ruff: noqa: FBT001 - click passes flags by name

import sys
from pathlib import Path
from typing import Any

import click

from bitvault.cli.context import connect, is_id, new_password, reports, sure
from bitvault.cli.durations import SAY, duration
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, counted, human_size
from bitvault.cli.render import plain, table, when
from bitvault.client.client import Client
from bitvault.wire.admin import Erasure, Tenant

_PATH = "/v1/admin/tenants"


@click.group(cls=Listing)
def tenants() -> None:
    """List, create, suspend, limit, export or erase tenants. For the platform's operators."""


@tenants.command("list", epilog="Example: bitvault admin tenants list")
@reports
def list_() -> Report:
    """List all tenants by name."""
    with connect() as client:
        found = list(client.listed(_PATH, Tenant))
    rows = [
        (
            one.name,
            "suspended" if one.is_suspended else "",
            one.max_users or "-",
            "-" if one.rate is None else f"{one.rate:g}/s",
            when(one.created_at),
            one.id,
        )
        for one in found
    ]
    heads = ("name", "", "users at most", "requests", "created", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@tenants.command(epilog="Example: bitvault admin tenants create acme --admin ann")
@click.argument("name")
@click.option("--admin", "login", required=True, help="Login of its first admin.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read the admin's password from a file; else it is asked for.",
)
@reports
def create(name: str, login: str, password_file: Path | None) -> Report:
    """Create a tenant with its first admin."""
    password = new_password(password_file, f"Password of {login}")
    body = {"name": name, "login": login, "password": password}
    with connect() as client:
        made = client.rest.call("POST", _PATH, Tenant, body=body)
    return Report([plain(made)], [f"made tenant {made.name} ({made.id})"])


@tenants.command(epilog="Example: bitvault admin tenants suspend acme")
@click.argument("tenant")
@reports
def suspend(tenant: str) -> Report:
    """Let the users of TENANT (a name or an id) read, and change nothing."""
    return _changed(tenant, {"isSuspended": True}, "suspended")


@tenants.command(epilog="Example: bitvault admin tenants resume acme")
@click.argument("tenant")
@reports
def resume(tenant: str) -> Report:
    """Let a suspended TENANT go on."""
    return _changed(tenant, {"isSuspended": False}, "resumed")


@tenants.command(
    epilog="Examples: bitvault admin tenants limit acme --users 50; "
    "bitvault admin tenants limit acme --rate 200 --burst 5000; "
    "bitvault admin tenants limit acme --users 0 --rate 0"
)
@click.argument("tenant")
@click.option("--users", type=click.IntRange(0), help="0: without limit.")
@click.option(
    "--rate", type=click.FloatRange(0), help="Requests a second; 0: as the server has it."
)
@click.option(
    "--burst", type=click.IntRange(100), help="Requests at once; 50 times the rate if left out."
)
@reports
def limit(tenant: str, users: int | None, rate: float | None, burst: int | None) -> Report:
    """Limit how many users TENANT may have (those it has stay), and how much they may ask."""
    if users is rate is burst is None:
        raise click.UsageError("say what to limit: --users, --rate, --burst")
    body: dict[str, Any] = {}
    if users is not None:
        body |= {"maxUsers": users} if users else {"unlimitedUsers": True}
    if rate:
        body |= {"rate": rate, "burst": burst or max(100, round(50 * rate))}
    elif rate is not None:
        body |= {"defaultRate": True}
    elif burst is not None:
        body |= {"burst": burst}
    return _changed(tenant, body, "changed the limits of")


@tenants.command(
    epilog="Examples: bitvault admin tenants erase acme; "
    "bitvault admin tenants erase acme --after 30d --yes"
)
@click.argument("tenant")
@click.option("--after", callback=duration, default="7d", show_default=True, help=f"{SAY}.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def erase(tenant: str, after: int, yes: bool) -> Report:
    """Suspend TENANT now and erase its users and files then; `keep` revokes it until then."""
    with connect() as client:
        found = client.rest.call("GET", f"{_PATH}/{tenant_id(client, tenant)}", Tenant)
        if not yes:
            sure(f"Erase the tenant {found.name} with all its users and files?")
        body = {"name": found.name, "after": after}
        made = client.rest.call("PUT", f"{_PATH}/{found.id}/erasure", Erasure, body=body)
    lines = [
        f"suspended {made.name}; all of it is erased from {when(made.erase_at)} on",
        f"until then: bitvault admin tenants keep {made.name}",
    ]
    return Report([plain(made)], lines)


@tenants.command(
    epilog="Examples: bitvault admin tenants suspend acme; "
    "bitvault admin tenants export acme ./acme; bitvault admin tenants erase acme"
)
@click.argument("tenant")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@reports
def export(tenant: str, folder: Path) -> Report:
    """Take all of a suspended TENANT along: FOLDER/manifest.jsonl and FOLDER/contents.

    Run it again after an interruption: contents that are there are not fetched twice.
    """
    from bitvault.client.exports import Export, Taken  # noqa: PLC0415 - not for --help

    def tell(taken: Taken) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{counted(taken.records, 'record')}\x1b[K", nl=False, err=True)

    with connect() as client:
        path = f"{_PATH}/{tenant_id(client, tenant)}/export"
        taken = Export(client, path, folder, tell).run()
    result = {"records": taken.records, "fetched": taken.contents, "bytes": taken.size}
    fetched = f"{counted(taken.contents, 'content')}, {human_size(taken.size)}"
    return Report([result], [f"{counted(taken.records, 'record')}; fetched {fetched}"])


@tenants.command(epilog="Example: bitvault admin tenants keep acme")
@click.argument("tenant")
@reports
def keep(tenant: str) -> Report:
    """Let TENANT stay that was to be erased; it stays suspended until you `resume` it."""
    with connect() as client:
        found = tenant_id(client, tenant)
        client.rest.raw("DELETE", f"{_PATH}/{found}/erasure")
    return Report([{"tenantId": found}], [f"{tenant} stays; it is still suspended"])


@tenants.command(epilog="Example: bitvault admin tenants erasures --json")
@reports
def erasures() -> Report:
    """List the tenants that are to be erased, are being, or have been."""
    with connect() as client:
        found = list(client.listed("/v1/admin/erasures", Erasure, limit=None))
    rows = [
        (one.name, one.state, when(one.erased_at or one.erase_at), one.tenant_id) for one in found
    ]
    return Report([plain(one) for one in found], table(rows, ("name", "state", "at", "id")))


def _changed(tenant: str, body: dict[str, Any], done: str) -> Report:
    with connect() as client:
        path = f"{_PATH}/{tenant_id(client, tenant)}"
        changed = client.rest.call("PATCH", path, Tenant, body=body)
    return Report([plain(changed)], [f"{done} {changed.name}"])


def tenant_id(client: Client, tenant: str) -> str:
    """Return the id of a tenant that is named by its name or its id.

    Raises:
        NotFoundHere: there is none of that name.
    """
    if is_id(tenant):
        return tenant
    for found in client.listed(_PATH, Tenant, name=tenant):
        return str(found.id)
    raise NotFoundHere("tenant_not_found", f"there is no tenant {tenant!r}")


def path_of(client: Client, tenant: str | None, what: str) -> str:
    """Return where ``what`` of a tenant is: the caller's own, or one that they operate."""
    if tenant is None:
        return f"/v1/tenant/{what}"
    return f"{_PATH}/{tenant_id(client, tenant)}/{what}"

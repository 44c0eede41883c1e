"""``admin quota show|set``: how many bytes a tenant and its spaces may hold."""

from typing import Any

import click

from bitvault.cli.commands.tenants import path_of
from bitvault.cli.context import connect, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain
from bitvault.cli.sizes import size as bytes_or
from bitvault.wire.quotas import TenantQuota

_TENANT = click.option("--tenant", help="Of this tenant (a name or an id); for operators.")
_SIZE = bytes_or("none")


@click.group(cls=Listing)
def quota() -> None:
    """Show or change how many bytes your tenant and its spaces may hold."""


@quota.command(
    epilog="Examples: bitvault admin quota show; bitvault admin quota show --tenant acme"
)
@_TENANT
@reports
def show(tenant: str | None) -> Report:
    """Show what is used, and what may be."""
    with connect() as client:
        found = client.rest.call("GET", path_of(client, tenant, "quota"), TenantQuota)
    return Report([plain(found)], _lines(found))


@quota.command(
    "set",
    epilog="Examples: bitvault admin quota set --spaces 10G; "
    "bitvault admin quota set --tenant acme --total 5T --spaces none",
)
@_TENANT
@click.option("--total", callback=_SIZE, help="Of all spaces together, or none; for operators.")
@click.option("--spaces", callback=_SIZE, help="Of each space without a quota of its own, or none.")
@reports
def set_(tenant: str | None, total: int | str | None, spaces: int | str | None) -> Report:
    """Change quotas, from the next upload on; what is there stays."""
    if total is None and spaces is None:
        raise click.UsageError("say what to change: --total, --spaces")
    if total is not None and tenant is None:
        raise click.UsageError("--total is for operators: say --tenant NAME with it")
    body: dict[str, Any] = {}
    for given, name, switch in (
        (total, "quota", "unlimited"),
        (spaces, "spaceQuota", "unlimitedSpaces"),
    ):
        if given is not None:
            body |= {switch: True} if given == "none" else {name: given}
    with connect() as client:
        changed = client.rest.call(
            "PATCH", path_of(client, tenant, "quota"), TenantQuota, body=body
        )
    return Report([plain(changed)], _lines(changed))


def _lines(found: TenantQuota) -> list[str]:
    coming = human_size(found.reserved)
    return [
        f"used      {human_size(found.used)}, and {coming} by uploads under way",
        f"quota     {limit(found.quota)}",
        f"a space   {limit(found.space_quota)}, if it has no quota of its own",
    ]


def limit(quota: int | None) -> str:
    """Render a quota for people."""
    return "without limit" if quota is None else human_size(quota)

"""``admin policy show|set``: what a tenant asks of links, passwords and sessions."""

# ruff: noqa: FBT001 - click passes flags by name

from typing import Any

import click

from bitvault.cli.commands.tenants import path_of
from bitvault.cli.context import connect, reports
from bitvault.cli.durations import SAY, seconds_of, words_of
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table
from bitvault.wire.policies import Policy, TenantPolicy

_TENANT = click.option(
    "--tenant", help="Bound the policy of this tenant (a name or an id); for operators."
)
_NONE = "none"


@click.group(cls=Listing)
def policy() -> None:
    """Show or change what your tenant asks of links, passwords and sessions."""


def life(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read a length of time, or ``none``, which is 0.

    Raises:
        click.BadParameter: it is neither.
    """
    if value is None or value == _NONE:
        return None if value is None else 0
    seconds = seconds_of(value)
    if not seconds:
        raise click.BadParameter(f"{value!r}: say {SAY}, or {_NONE}")
    return seconds


@policy.command(
    epilog="Examples: bitvault admin policy show; bitvault admin policy show --tenant acme"
)
@_TENANT
@reports
def show(tenant: str | None) -> Report:
    """Show what holds, what your admins have set, and what the operators ask at least."""
    with connect() as client:
        found = client.rest.call("GET", path_of(client, tenant, "policy"), TenantPolicy)
    return Report([plain(found)], _lines(found))


@policy.command(
    "set",
    epilog="Examples: bitvault admin policy set --link-passwords --longest-link 30d; "
    "bitvault admin policy set --tenant acme --no-links",
)
@_TENANT
@click.option("--links/--no-links", default=None, help="Whether links may be made, and work.")
@click.option(
    "--link-passwords/--no-link-passwords", default=None, help="Whether every link needs one."
)
@click.option("--longest-link", callback=life, help=f"How far ahead a link may end: {SAY}, none.")
@click.option("--default-link", callback=life, help="Life of a link whose maker says nothing.")
@click.option("--min-password", type=click.IntRange(8, 128), help="Characters, of new passwords.")
@click.option("--longest-session", callback=life, help="After which one has to log in again.")
@reports
def set_(
    tenant: str | None,
    links: bool | None,
    link_passwords: bool | None,
    longest_link: int | None,
    default_link: int | None,
    min_password: int | None,
    longest_session: int | None,
) -> Report:
    """Change the policy; what is not named stays.

    What is stricter holds at once, for what is there too: links without a password it asks for are
    dead, and whoever has been logged in for longer than the longest session, you too, is logged
    out. What is laxer again brings such links back, but no session that has ended.
    """
    wanted: dict[str, Any] = {
        "linksAllowed": links,
        "passwordRequired": link_passwords,
        "longestLife": longest_link,
        "defaultLife": default_link,
        "minPassword": min_password,
        "longestSession": longest_session,
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    if not body:
        raise click.UsageError("say what to change; --help lists it")
    with connect() as client:
        changed = client.rest.call(
            "PATCH", path_of(client, tenant, "policy"), TenantPolicy, body=body
        )
    return Report([plain(changed)], _lines(changed))


def _lines(shown: TenantPolicy) -> list[str]:
    sides = [_words(each) for each in (shown.effective, shown.own, shown.bound)]
    rows = [(name, *(side[name] for side in sides)) for name in sides[0]]
    return table(rows, ("what", "holds", "set by admins", "set by operators"))


def _words(side: Policy) -> dict[str, str]:
    return {
        "links": "allowed" if side.links_allowed else "off",
        "link passwords": "needed" if side.password_required else "free",
        "longest link": _time(side.longest_life),
        "default link": _time(side.default_life),
        "min password": str(side.min_password),
        "longest session": _time(side.longest_session),
    }


def _time(seconds: int | None) -> str:
    return "-" if seconds is None else words_of(seconds)

"""``link create|list|revoke|revive|delete``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bitvault.cli.context import DRY_RUN, Listed, connect, new_password, reports
from bitvault.cli.durations import SAY, duration, from_now
from bitvault.cli.exposure import foresee, foreseen
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.places import Places
from bitvault.cli.render import plain, table, when
from bitvault.wire.sharing import Link, LinkCreated

_ID = Listed("link", "link list")


@click.group(cls=Listing)
def link() -> None:
    """Make links for people who are no users; list or end them."""


@link.command(
    epilog="Examples: bitvault link create /plans --expires 7d; "
    "bitvault link create /film.mkv --max-downloads 3 --password-file pw; "
    "bitvault link create /plans --dry-run"
)
@click.argument("path")
@click.option("--role", type=click.Choice(["viewer", "editor"]), default="viewer")
@click.option("--label", default="", help="What it is for; the title of its page.")
@click.option("--expires", callback=duration, help=f"As {SAY}; else it does not expire.")
@click.option("--max-downloads", type=click.IntRange(1), help="Else without limit.")
@click.option("--password", "asks", is_flag=True, help="Ask for a password it shall have.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read its password from a file (its last newline is dropped).",
)
@DRY_RUN
@reports
def create(
    path: str,
    role: str,
    label: str,
    expires: int | None,
    max_downloads: int | None,
    asks: bool,  # noqa: FBT001 - click passes flags by name
    password_file: Path | None,
    dry_run: bool,  # noqa: FBT001 - click passes flags by name
) -> Report:
    """Make a link to a file or folder. Its address is shown only now."""
    if dry_run:
        return link_foreseen(path, role, f"would make a link to {path}")
    has_password = asks or password_file is not None
    password = new_password(password_file, "Password of the link") if has_password else None
    body: dict[str, Any] = {"role": role, "label": label, "password": password}
    body["maxDownloads"] = max_downloads
    body["expiresAt"] = from_now(expires)
    return made(path, body)


def link_foreseen(path: str, role: str, what: str) -> Report:
    """Say to how much a link of a role would lead, and make none."""
    with connect() as client:
        return foreseen(what, foresee(client, client.node(path).id, {"link": role}))


@link.command("list", epilog="Examples: bitvault link list; bitvault link list /plans")
@click.argument("path", required=False)
@click.option("--requests", is_flag=True, help="File requests too; else `bitvault request list`.")
@reports
def list_(path: str | None, requests: bool) -> Report:  # noqa: FBT001 - click passes flags by name
    """List the links to a file or folder; without a path, those you made."""
    found = [(one, where) for one, where in links(path) if requests or not one.request]
    rows = [
        (
            one.id,
            where,
            one.role,
            until(one),
            f"{one.downloads}" + (f" of {one.max_downloads}" if one.max_downloads else ""),
            "yes" if one.has_password else "no",
            one.label,
        )
        for one, where in found
    ]
    heads = ("id", "leads to", "role", "until", "downloads", "password", "label")
    return Report([plain(one) for one, _ in found], table(rows, heads))


def until(one: Link) -> str:
    """Say until when a link leads anywhere, or why it does not."""
    if one.state != "valid":
        return one.state.replace("_", " ")
    return when(one.expires_at)


@link.command(epilog="Example: bitvault link revoke 0192f3c4-…")
@click.argument("link_id", metavar="ID", type=_ID)
@reports
def revoke(link_id: str) -> Report:
    """End a link at once; `revive` makes it valid again."""
    return changed(link_id, {"revoked": True}, "leads nowhere any more")


@link.command(epilog="Example: bitvault link revive 0192f3c4-…")
@click.argument("link_id", metavar="ID", type=_ID)
@reports
def revive(link_id: str) -> Report:
    """Make a revoked link valid again, with the same address."""
    return changed(link_id, {"revoked": False}, "is valid again")


@link.command(epilog="Example: bitvault link delete 0192f3c4-…")
@click.argument("link_id", metavar="ID", type=_ID)
@reports
def delete(link_id: str) -> Report:
    """End a link for good."""
    return delete_link(link_id)


def delete_link(link_id: str) -> Report:
    """Delete a link, or the one that is a file request."""
    with connect() as client:
        client.rest.raw("DELETE", f"/v1/links/{link_id}")
    return Report([{"id": link_id}], [f"deleted {link_id}"])


def made(path: str, body: Mapping[str, Any]) -> Report:
    """Make a link or a file request; tell its address."""
    with connect() as client:
        at = f"/v1/files/{client.node(path).id}/links"
        link = client.rest.call("POST", at, LinkCreated, body=body)
        address = f"{client.rest.server}{link.page}"
    return Report([{**plain(link), "url": address}], [address])


def links(path: str | None) -> list[tuple[Link, str]]:
    """List links and file requests of a file or folder, or the caller's own; and where each leads.

    That is a path the caller may type, or the id of what is not to be seen any more.
    """
    with connect() as client:
        at = f"/v1/files/{client.node(path).id}/links" if path else "/v1/links"
        found, places = list(client.listed(at, Link)), Places(client)
        return [(one, places.of(one.node) if one.node else _lost(one)) for one in found]


def _lost(one: Link) -> str:
    return f"{one.node_id} (not there)"


def changed(link_id: str, body: Mapping[str, Any], told: str) -> Report:
    """Change a link or a file request; tell what became of it."""
    with connect() as client:
        link = client.rest.call("PATCH", f"/v1/links/{link_id}", Link, body=body)
    return Report([plain(link)], [f"{link_id} {told}"])

"""``token create|list|revoke``."""

from typing import Any
from uuid import UUID

import click

from bitvault.cli.commands.users import user_id
from bitvault.cli.context import bare, connect, is_id, remote_path, reports
from bitvault.cli.durations import duration
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import plain, table, when
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.client.shapes import Node
from bitvault.wire.sessions import Credential, TokenCreated

_FOR = click.option("--for", "owner", help="Of this service account; for a tenant's admins.")


@click.group(cls=Listing)
def token() -> None:
    """Create, list or revoke API tokens."""


@token.command(
    epilog="Examples: BITVAULT_TOKEN=$(bitvault token create backup); "
    "bitvault token create mirror --scope read --expires 30d; "
    "bitvault token create scanner --path /inbox"
)
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(["read", "write", "admin"]),
    default="write",
    show_default=True,
    help="What it is good for; each includes those before it.",
)
@click.option("--expires", callback=duration, help="After 30m, 12h or 7d; else it does not expire.")
@click.option(
    "--path",
    callback=remote_path,
    help="Good for this file or folder and what is below it, wherever that is moved; for the "
    "token there is nothing else.",
)
@_FOR
@reports
def create(
    name: str, scope: str, expires: int | None, path: str | None, owner: str | None
) -> Report:
    """Create a token and print it: the only time it is shown."""
    body: dict[str, Any] = {"name": name, "scope": scope, "expiresIn": expires}
    with connect() as client:
        if path is not None:
            body["confinedTo"] = client.node(bare(path)).id
        made = client.rest.call("POST", _tokens(client, owner), TokenCreated, body=body)
    return Report([plain(made)], [made.token])


@token.command("list", epilog="Example: bitvault token list")
@_FOR
@reports
def list_(owner: str | None) -> Report:
    """List tokens; never the secrets."""
    with connect() as client:
        found = list(client.listed(_tokens(client, owner), Credential, limit=None))
        ends = {one.confined_to: _path(client, one.confined_to) for one in found}
    rows = [
        (
            one.name,
            one.scope,
            ends[one.confined_to],
            when(one.expires_at),
            when(one.last_used_at),
            one.prefix,
            one.id,
        )
        for one in found
    ]
    heads = ("name", "scope", "for", "expires", "last used", "begins with", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@token.command(epilog="Examples: bitvault token revoke backup; bitvault token revoke 0193a5b2-...")
@click.argument("which", metavar="NAME-OR-ID")
@_FOR
@reports
def revoke(which: str, owner: str | None) -> Report:
    """End a token at once."""
    with connect() as client:
        path = _tokens(client, owner)
        token_id = which if is_id(which) else _named(client, path, which)
        client.rest.raw("DELETE", f"{path}/{token_id}")
    return Report([{"id": token_id}], [f"revoked {which}"])


def _tokens(client: Client, owner: str | None) -> str:
    return f"/v1/users/{user_id(client, owner)}/tokens" if owner else "/v1/tokens"


def _path(client: Client, node_id: UUID | None) -> str:
    """Say where a token ends: the path of today, or the id of what is not to be seen."""
    if node_id is None:
        return "everything"
    try:
        return client.rest.call("GET", f"/v1/files/{node_id}", Node).path
    except Problem as problem:
        if problem.status != 404:  # noqa: PLR2004 - HTTP: trashed, purged or not this user's
            raise
        return f"{node_id} (not there)"


def _named(client: Client, path: str, name: str) -> str:
    found = [str(one.id) for one in client.listed(path, Credential, limit=None) if one.name == name]
    if not found:
        raise NotFoundHere("credential_not_found", f"there is no token {name!r}")
    if len(found) > 1:
        raise click.UsageError(f"{len(found)} tokens are named {name!r}; say which by its id")
    return found[0]

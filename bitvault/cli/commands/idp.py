"""``admin idp list|show|add|change|remove``: a tenant's OpenID providers."""

# ruff: noqa: FBT001 - click passes flags by name

from pathlib import Path
from typing import Any

import click

from bitvault.cli.context import connect, is_id, password_of, reports, stored_login, sure
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report
from bitvault.cli.render import details, plain, table, when
from bitvault.client.client import Client
from bitvault.wire.sso import IdentityProvider

_PATH = "/v1/identity-providers"


@click.group(cls=Listing)
def idp() -> None:
    """List or change the OpenID providers that users of your tenant sign in with."""


def _terms(function: Any) -> Any:
    """Add the options that say what a provider's claims mean here."""
    options = (
        click.option("--client-id", help="As the provider registered this server."),
        click.option(
            "--client-secret-file",
            type=click.Path(path_type=Path),
            help="Read the client secret from a file (- is standard input).",
        ),
        click.option("--public-client", is_flag=True, help="There is no client secret."),
        click.option("--scope", "scopes", multiple=True, help="Ask for it; several times."),
        click.option("--login-claim", help="Names an account that is made."),
        click.option("--groups-claim", help="Lists groups; '' for none."),
        click.option("--group-prefix", help="Begins the name of each group."),
        click.option(
            "--group", "group_map", multiple=True, metavar="VALUE=GROUP",
            help="Put who has VALUE in GROUP, and heed no other value; several times.",
        ),
        click.option(
            "--external-id-claim",
            help="Has the externalId of whom a directory made (SCIM); '' for none.",
        ),
        click.option("--quota-claim", help="Says how much a home may hold; '' for none."),
        click.option(
            "--make-users/--no-make-users", default=None,
            help="At a first sign-in; by default only with --email-domain.",
        ),
        click.option("--email-domain", "email_domains", multiple=True, help="Let in these alone."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@idp.command("list", epilog="Example: bitvault admin idp list")
@reports
def list_() -> Report:
    """List them by name."""
    with connect() as client:
        found = list(client.listed(_PATH, IdentityProvider, limit=None))
    rows = [(one.name, one.issuer, one.client_id, when(one.created_at), one.id) for one in found]
    heads = ("name", "issuer", "client", "created", "id")
    return Report([plain(one) for one in found], table(rows, heads))


@idp.command(epilog="Example: bitvault admin idp show Acme")
@click.argument("provider")
@reports
def show(provider: str) -> Report:
    """Show PROVIDER (a name or an id), never its secret."""
    with connect() as client:
        path = f"{_PATH}/{provider_id(client, provider)}"
        found = client.rest.call("GET", path, IdentityProvider)
    return Report([plain(found)], details(plain(found)))


@idp.command(
    epilog="Example: bitvault admin idp add Acme https://login.example.org --client-id bitvault "
    "--client-secret-file secret --groups-claim groups"
)
@click.argument("name")
@click.argument("issuer")
@_terms
@reports
def add(name: str, issuer: str, client_secret_file: Path | None, **terms: Any) -> Report:
    """Let users sign in with the provider at ISSUER, exactly as it writes it."""
    body = {"name": name, "issuer": issuer, **_body(client_secret_file, **terms)}
    if "clientId" not in body:
        raise click.UsageError("--client-id is needed")
    if "clientSecret" not in body:
        body["clientSecret"] = password_of(None, "Client secret")
    with connect() as client:
        made = client.rest.call("POST", _PATH, IdentityProvider, body=body)
    told = [f"added {made.name} ({made.id})"]
    server = stored_login().server
    told.append(f"register there: {server}{made.redirect_path}")
    told.append(f"for back-channel logout, if it does that: {server}{made.logout_path}")
    if not made.makes_users:
        told.append("a first sign-in makes no account; `change` it with --make-users, if it shall")
    return Report([plain(made)], told)


@idp.command(epilog="Example: bitvault admin idp change Acme --group admins=Staff")
@click.argument("provider")
@click.option("--name", help="Another name.")
@_terms
@reports
def change(
    provider: str, name: str | None, client_secret_file: Path | None, **terms: Any
) -> Report:
    """Change PROVIDER (a name or an id); what is not given stays."""
    body = {**_body(client_secret_file, **terms), **({"name": name} if name else {})}
    with connect() as client:
        path = f"{_PATH}/{provider_id(client, provider)}"
        made = client.rest.call("PATCH", path, IdentityProvider, body=body)
    return Report([plain(made)], [f"changed {made.name}"])


@idp.command(epilog="Example: bitvault admin idp remove Acme --yes")
@click.argument("provider")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports
def remove(provider: str, yes: bool) -> Report:
    """Remove PROVIDER (a name or an id), with the memberships and quotas that it gave."""
    with connect() as client:
        which = provider_id(client, provider)
        if not yes:
            sure(
                f"Remove {provider}? Who has no password here cannot log in then, "
                "and loses the groups and the quota that it gave."
            )
        client.rest.raw("DELETE", f"{_PATH}/{which}")
    return Report([{"id": which}], [f"removed {provider}"])


_CLAIMS = {
    "groups_claim": "groupsClaim",
    "external_id_claim": "externalIdClaim",
    "quota_claim": "quotaClaim",
}
"""Options that '' takes away."""


def _body(secret_file: Path | None, **terms: Any) -> dict[str, Any]:
    """Return what was given, as the interface has it."""
    pairs = [one.partition("=") for one in terms["group_map"]]
    if not all(value and group for value, _, group in pairs):
        raise click.UsageError("--group: say VALUE=GROUP")
    body: dict[str, Any] = {
        "clientId": terms["client_id"],
        "scopes": list(terms["scopes"]) or None,
        "loginClaim": terms["login_claim"],
        "groupsClaim": terms["groups_claim"] or None,
        "groupPrefix": terms["group_prefix"],
        "groupMap": {value: group for value, _, group in pairs} or None,
        "externalIdClaim": terms["external_id_claim"] or None,
        "quotaClaim": terms["quota_claim"] or None,
        "makesUsers": terms["make_users"],
        "emailDomains": list(terms["email_domains"]) or None,
    }
    body = {name: value for name, value in body.items() if value is not None}
    for option, member in _CLAIMS.items():
        if terms[option] == "":
            body[member] = None
    if secret_file is not None:
        body["clientSecret"] = password_of(secret_file, "Client secret")
    if terms["public_client"]:
        body["clientSecret"] = None
    return body


def provider_id(client: Client, provider: str) -> str:
    """Return the id of a provider that is named by name or id.

    Raises:
        NotFoundHere: the tenant has none of that name.
    """
    if is_id(provider):
        return provider
    for found in client.listed(_PATH, IdentityProvider, limit=None):
        if found.name == provider:
            return str(found.id)
    raise NotFoundHere("provider_not_found", f"there is no identity provider {provider!r}")

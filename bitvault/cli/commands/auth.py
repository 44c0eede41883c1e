"""``login``, ``logout``, ``whoami``, ``passwd``."""

import json
from pathlib import Path

import click

from bitvault.cli.context import (
    connect,
    credentials_file,
    new_password,
    password_of,
    patience,
    reports,
    stored_login,
)
from bitvault.cli.output import Report
from bitvault.cli.render import details, plain
from bitvault.client.client import Client
from bitvault.client.errors import Problem
from bitvault.client.state import write_private


@click.command(epilog="Example: bitvault login http://127.0.0.1:8080 --user admin")
@click.argument("url")
@click.option("--user", "-u", required=True, help="Login name.")
@click.option("--tenant", default="default", show_default=True, help="Tenant of the user.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read the password from a file (- is standard input; its last newline is dropped); else "
    "it is asked for.",
)
@reports
def login(url: str, user: str, tenant: str, password_file: Path | None) -> Report:
    """Log in to the server at URL and remember the session (mode 0600)."""
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"{url!r}: the URL begins with http:// or https://")
    password = password_of(password_file, "Password")
    with Client(url, policy=patience()) as client:
        session = client.login(user, password, tenant)
    stored = {"server": url.rstrip("/"), "token": session.token}
    write_private(credentials_file(), json.dumps(stored))
    result = {"server": url, "user": plain(session.user), "expiresAt": plain(session.expires_at)}
    return Report([result], [f"Logged in to {url} as {user}."])


@click.command(epilog="Example: bitvault passwd")
@click.option(
    "--password-file", type=click.Path(path_type=Path), help="The present one; else asked for."
)
@click.option(
    "--new-password-file", type=click.Path(path_type=Path), help="The new one; else asked for."
)
@reports
def passwd(password_file: Path | None, new_password_file: Path | None) -> Report:
    """Change your password; every other session of yours ends."""
    if str(password_file) == str(new_password_file) == "-":
        raise click.UsageError("standard input can be one password, not both")
    body = {
        "currentPassword": password_of(password_file, "Present password"),
        "newPassword": new_password(new_password_file, "New password"),
    }
    with connect() as client:
        client.rest.raw("PUT", "/v1/me/password", body=body)
    return Report([], ["The password is changed; your other sessions have ended."])


@click.command(epilog="Example: bitvault logout")
@reports
def logout() -> Report:
    """End the session on the server and forget it here."""
    try:
        with connect() as client:
            client.logout()
    except Problem as problem:
        if problem.status != 401:  # noqa: PLR2004 - HTTP: it has ended already
            raise
    credentials_file().unlink(missing_ok=True)
    return Report([], ["Logged out."])


@click.command(epilog="Example: bitvault whoami --json")
@reports
def whoami() -> Report:
    """Show the server and the user."""
    with connect() as client:
        me = client.me()
    result = {"server": stored_login().server, **me}
    return Report([result], details(result))

"""``login``, ``logout``, ``whoami``, ``passwd``."""

# ruff: noqa: FBT001 - click passes flags by name

import os
import socket
import webbrowser
from pathlib import Path

import click

from bitvault.cli.context import (
    Interrupted,
    connect,
    credentials_file,
    new_password,
    password_of,
    reach,
    reports,
    stored_login,
)
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.output import Report, printable
from bitvault.cli.progress import Countdown
from bitvault.cli.render import details, plain
from bitvault.client.client import Client
from bitvault.client.devices import DeviceLogin
from bitvault.client.errors import Problem
from bitvault.client.logins import LoginFile, opened
from bitvault.client.loopback import LoopbackSignIn
from bitvault.client.shapes import Listing, Session
from bitvault.wire.sessions import SessionOpened
from bitvault.wire.sso import SignInWay

_NAME = 128
"""Characters of the name that a program gives itself, at most."""


@click.command(
    epilog="Examples: bitvault login http://127.0.0.1:8080 --user admin; "
    "bitvault login https://files.example.org --sso; "
    "bitvault login https://files.example.org --device"
)
@click.argument("url")
@click.option("--user", "-u", help="Login name.")
@click.option("--sso", is_flag=True, help="Sign in with your browser, at your identity provider.")
@click.option("--provider", help="Which identity provider, if your tenant has several.")
@click.option("--tenant", default="default", show_default=True, help="Tenant of the user.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read the password from a file (- is standard input; its last newline is dropped); else "
    "it is asked for.",
)
@click.option(
    "--device",
    is_flag=True,
    help="Approve it in a browser, on this machine or another, by a code that is shown; for "
    "machines where no password shall be typed.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False),
    help="Certificates (PEM) to trust besides the system's, now and in later commands.",
)
@reports
def login(
    url: str,
    user: str | None,
    sso: bool,
    provider: str | None,
    tenant: str,
    password_file: Path | None,
    device: bool,
    ca_file: str | None,
) -> Report:
    """Log in to the server at URL and remember the session (mode 0600)."""
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"{url!r}: the URL begins with http:// or https://")
    if sum((user is not None, sso, device)) != 1:
        raise click.UsageError(
            "say --user NAME, --sso for your identity provider, or --device to approve it elsewhere"
        )
    if password_file and not user:
        raise click.UsageError("--password-file goes with --user: the others need no password")
    trusted = os.path.abspath(ca_file) if ca_file else None  # noqa: PTH100 - click gives a name
    with reach(url, ca_file=trusted) as client:
        session = _session(client, url, user, tenant, password_file, provider, device=device)
    file = LoginFile(credentials_file())
    with file.locked():
        file.write(opened(url, session, ca_file=trusted))
    who = plain(session.user)
    ends = session.session_expires_at or session.expires_at
    result = {"server": url, "user": who, "expiresAt": plain(ends)}
    return Report([result], [f"Logged in to {url} as {who['login']}."])


def _session(
    client: Client,
    url: str,
    user: str | None,
    tenant: str,
    password_file: Path | None,
    provider: str | None,
    *,
    device: bool,
) -> Session | SessionOpened:
    if user:
        return _by_password(client, user, tenant, password_file)
    if device:
        return _by_device(client)
    return by_browser(client, url, tenant, provider)


def by_browser(client: Client, url: str, tenant: str, provider: str | None) -> SessionOpened:
    """Sign in with a browser on this machine.

    Raises:
        NotFoundHere: the tenant has no such identity provider.
    """
    ways = list(
        client.rest.call("GET", "/v1/sso", Listing[SignInWay], params={"tenant": tenant}).items
    )
    fitting = [way for way in ways if provider in {None, way.name, str(way.id)}]
    if len(fitting) != 1:
        names = ", ".join(way.name for way in ways) or "none"
        detail = f"name an identity provider with --provider; there are: {names}"
        raise NotFoundHere("provider_not_found", detail)
    with LoopbackSignIn(url, str(fitting[0].id)) as sign_in:
        click.echo(f"Sign in with your browser: {sign_in.url}", err=True)
        webbrowser.open(sign_in.url)
        return sign_in.wait(client.rest, refreshable=True)


def _by_password(client: Client, user: str, tenant: str, password_file: Path | None) -> Session:
    try:
        password = password_of(password_file, "Password")
    except click.UsageError as error:
        raise click.UsageError(f"{error.message}; or --device, for a browser") from None
    return client.login(user, password, tenant, refreshable=True)


def _by_device(client: Client) -> SessionOpened:
    """Show a code, and wait until somebody has approved it."""
    asked = DeviceLogin(client.rest, f"bitvault on {socket.gethostname()}"[:_NAME])
    code, page = printable(asked.begun.user_code), printable(asked.page_complete)
    countdown = Countdown()
    try:
        click.echo(f"Open {page}\nand approve the code {code}.", err=True)
        return asked.wait(countdown.show, refreshable=True)
    except KeyboardInterrupt:
        raise Interrupted("Nothing was stored; the code ends by itself.") from None
    finally:
        countdown.finish()


@click.command(
    epilog="Examples: bitvault passwd; bitvault passwd --reset --user ann --server http://127.0.0.1:8080"
)
@click.option(
    "--password-file", type=click.Path(path_type=Path), help="The present one; else asked for."
)
@click.option(
    "--new-password-file", type=click.Path(path_type=Path), help="The new one; else asked for."
)
@click.option("--reset", is_flag=True, help="You forgot it: get a mail with a link.")
@click.option("--user", "-u", help="With --reset: your login.")
@click.option("--tenant", default="default", show_default=True, help="With --reset.")
@click.option("--server", help="With --reset: the server's URL, if you are not logged in.")
@reports
def passwd(
    password_file: Path | None,
    new_password_file: Path | None,
    reset: bool,
    user: str | None,
    tenant: str,
    server: str | None,
) -> Report:
    """Change your password; every other session of yours ends."""
    if reset:
        if not user:
            raise click.UsageError("say whose password: --user LOGIN")
        return _asked(server or stored_login().server, tenant, user)
    if str(password_file) == str(new_password_file) == "-":
        raise click.UsageError("standard input can be one password, not both")
    body = {
        "currentPassword": password_of(password_file, "Present password"),
        "newPassword": new_password(new_password_file, "New password"),
    }
    with connect() as client:
        client.rest.raw("PUT", "/v1/me/password", body=body)
    return Report([], ["The password is changed; your other sessions have ended."])


def _asked(server: str, tenant: str, user: str) -> Report:
    with reach(server) as client:
        body = {"tenant": tenant, "login": user}
        client.rest.raw("POST", "/v1/password-resets", body=body)
    line = f"If there is a user {user} with a confirmed address, a mail with a link is on its way."
    return Report([], [line])


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
    LoginFile(credentials_file()).remove()
    return Report([], ["Logged out."])


@click.command(epilog="Example: bitvault whoami --json")
@reports
def whoami() -> Report:
    """Show the server and the user."""
    with connect() as client:
        me = client.me()
    result = {"server": stored_login().server, **me}
    return Report([result], details(result))

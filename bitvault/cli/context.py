"""What every command shares: the stored login, the client, and the way out."""

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from attrs import frozen

from bitvault.cli.failures import NotLoggedIn, exit_code, hint
from bitvault.cli.output import Exit, Report, write_failure, write_report
from bitvault.client.errors import BitVaultError

if TYPE_CHECKING:
    from bitvault.client.client import Client

IF_EXISTS = click.option(
    "--if-exists",
    type=click.Choice(["fail", "replace", "rename", "skip"]),
    default="fail",
    show_default=True,
    help="What to do when the name is taken.",
)
IF_EXISTS_THERE = click.option(
    "--if-exists",
    type=click.Choice(["fail", "update", "replace", "rename", "skip"]),
    help="What to do when the name is taken; else `fail` for a file, and `update` for a tree: "
    "send what is new or changed.",
)
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
JOBS = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Transfers at a time.",
)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, and how to go on; ``main`` says it."""

    def __init__(self, advice: str) -> None:
        self.advice = advice
        super().__init__(advice)


@frozen
class Login:
    """Where to, and as whom."""

    server: str
    token: str


def credentials_file() -> Path:
    """Return where the login is stored: ``$XDG_CONFIG_HOME/bitvault/credentials.json``."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "bitvault" / "credentials.json"


def stored_login() -> Login:
    """Return the login to use; the environment wins over the file.

    A stored token is never sent to another server than the one that issued it.

    Raises:
        NotLoggedIn: there is none.
    """
    try:
        stored = dict(json.loads(credentials_file().read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        stored = {}
    issued_by = str(stored.get("server", ""))
    server = (os.environ.get("BITVAULT_SERVER") or issued_by).rstrip("/")
    token = os.environ.get("BITVAULT_TOKEN")
    if not token and server == issued_by.rstrip("/"):
        token = stored.get("token")
    if not server or not token:
        missing = "server" if not server else f"token for {server}"
        raise NotLoggedIn(f"there is no {missing} to use")
    return Login(server, str(token))


def connect() -> "Client":
    """Return a client for the stored login."""
    from bitvault.client.client import Client  # noqa: PLC0415 - httpx is slow to import

    login = stored_login()
    return Client(login.server, login.token)


def remote(value: str) -> str:
    """Check the form of a remote path.

    Raises:
        click.BadParameter: it is neither ``/a/b`` nor ``Space:/a/b``.
    """
    if value.startswith("/") or ":/" in value:
        return value
    raise click.BadParameter(f"{value!r}: remote paths are /a/b or Space:/a/b")


def bare(path: str) -> str:
    """Drop a final ``/``, which says "folder" to people and nothing to the server."""
    short = path.rstrip("/")
    return path if not short or short.endswith(":") else short


def remote_path(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Check one path, or several, as a callback of click."""
    return tuple(map(remote, value)) if isinstance(value, tuple) else remote(value)


def is_id(value: str) -> bool:
    """Say whether it has the form of an id; names of any kind may stand where ids do."""
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


def sure(question: str) -> None:
    """Ask before something that cannot be undone.

    Raises:
        click.UsageError: there is nobody to ask.
        click.Abort: the answer was no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked; say --yes")
    click.confirm(question, abort=True, err=True)


def password_of(file: Path | None, question: str) -> str:
    """Read a password from a file, or ask for it."""
    if file is not None:
        return file.read_text("utf-8").removesuffix("\n")
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer


def new_password(file: Path | None, question: str) -> str:
    """Read a password that is to be set; one that is typed is asked for twice."""
    if file is not None:
        return password_of(file, question)
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=True, err=True)
    return answer


def reports(function: Callable[..., Report]) -> Callable[..., Any]:
    """Give a command ``--json``, and turn what it returns or raises into output and exit code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON envelope on stdout.")
    @functools.wraps(function)
    def run(*args: Any, as_json: bool, **kwargs: Any) -> None:
        name = click.get_current_context().command_path.partition(" ")[2]
        try:
            report = function(*args, **kwargs)
        except BitVaultError as error:
            request = getattr(error, "request_id", None)
            write_failure(
                str(error),
                error.code,
                as_json=as_json,
                command=name,
                hint=hint(error, name),
                request_id=request,
            )
            click.get_current_context().exit(exit_code(error))
        except BrokenPipeError:
            # Whoever read has enough; what is still buffered must not be missed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.get_current_context().exit(Exit.OK)
        except OSError as error:
            detail = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            write_failure(detail, "local_io", as_json=as_json, command=name)
            missing = isinstance(error, FileNotFoundError)
            click.get_current_context().exit(Exit.NOT_FOUND if missing else Exit.INTERNAL)
        write_report(name, report, as_json=as_json)
        click.get_current_context().exit(report.code)

    return run

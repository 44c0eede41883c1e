"""What every command shares: the stored login, the client, and the way out."""

import functools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import click
from attrs import frozen

from bitvault.cli.advice import local
from bitvault.cli.failures import NotLoggedIn, exit_code, hint, said
from bitvault.cli.output import Exit, Report, printable, write_failure, write_report
from bitvault.client.errors import BitVaultError

if TYPE_CHECKING:
    from bitvault.client.client import Client
    from bitvault.client.logins import LoginStore
    from bitvault.client.retry import RetryPolicy

IF_EXISTS = click.option(
    "--if-exists",
    type=click.Choice(["fail", "update", "replace", "rename", "skip"]),
    help="What to do when the name is taken; else `fail` for a file, and `update` for a tree: "
    "transfer what is new or changed.",
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


class Number(click.IntRange):
    """A whole number; messages say so."""

    name = "number"


NUMBER = Number(1)


class Listed(click.ParamType[str]):
    """An id that some list shows; what is none is answered with that list."""

    name = "id"

    def __init__(self, noun: str, listing: str) -> None:
        self._noun = noun
        self._listing = listing

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it was typed, if it is one."""
        if is_id(value):
            return str(value)
        raise click.BadParameter(self._said(value), ctx, param)

    def _said(self, value: str) -> str:
        of = f" {value}" if value.startswith("/") or ":/" in value else ""
        detail = f"{value!r} is no id of a {self._noun}; see which there are, with their ids: "
        return f"{detail}bitvault {self._listing}{of}"


_NOTICED = 1.0
"""Seconds of silence that make people wonder."""
_STDOUT_TAKEN = "bitvault.stdout_taken"


def stdout_is_taken() -> None:
    """Say that bytes go to standard output: the envelope of ``--json`` goes to standard error."""
    click.get_current_context().meta[_STDOUT_TAKEN] = True


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, and how to go on; ``main`` says it."""

    def __init__(self, advice: str) -> None:
        self.advice = advice
        super().__init__(advice)


@frozen
class Login:
    """Where to, and as whom; ``is_stored``: with what is in the file, and is refreshed there."""

    server: str
    token: str
    is_stored: bool = False
    ca_file: str | None = None


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
    ca_file = stored.get("caFile") if server == issued_by.rstrip("/") else None
    is_stored = not os.environ.get("BITVAULT_TOKEN")
    return Login(server, str(token), is_stored=is_stored, ca_file=ca_file)


def connect() -> "Client":
    """Return a client for the stored login."""
    from bitvault.client.logins import LoginFile  # noqa: PLC0415 - slow to import

    login = stored_login()
    return reach(
        login.server,
        LoginFile(credentials_file()) if login.is_stored else login.token,
        ca_file=login.ca_file,
    )


def reach(
    server: str, login: "str | LoginStore | None" = None, *, ca_file: str | None = None
) -> "Client":
    """Return a client of a server; BITVAULT_CA_FILE wins over the file of certificates."""
    from bitvault.client.client import Client  # noqa: PLC0415 - httpx is slow to import
    from bitvault.client.trust import CA_FILE  # noqa: PLC0415 - the same

    trusted = os.environ.get(CA_FILE) or ca_file
    return Client(server, login, policy=patience(), ca_file=trusted)


def patience() -> "RetryPolicy":
    """Return how retries are made here: a wait that a person notices is told."""
    from bitvault.client.retry import RetryPolicy  # noqa: PLC0415 - not for --help

    return RetryPolicy(tell=_Waits())


class _Waits:
    """Tells a wait; many threads that wait for one thing are one."""

    def __init__(self) -> None:
        self._until = 0.0

    def __call__(self, error: BitVaultError, seconds: float) -> None:
        now = time.monotonic()
        if seconds < _NOTICED or now < self._until:
            return
        self._until = now + seconds
        wipe = "\r\x1b[K" if sys.stderr.isatty() else ""
        text = printable(f"{said(error)} Trying again in {seconds:.0f} s; Ctrl-C stops.")
        print(f"{wipe}bitvault: {text}", file=sys.stderr, flush=True)  # noqa: T201 - output


def remote(value: str) -> str:
    """Check the form of a remote path.

    Raises:
        click.BadParameter: it is neither ``/a/b`` nor ``Space:/a/b``, or no text.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise click.BadParameter(f"{value!r}: remote paths are UTF-8") from error
    space, colon, inside = ("", "", value) if value.startswith("/") else value.partition(":/")
    if not colon and not value.startswith("/"):
        meant = f"{value.rstrip(':')}:/" if "/" not in value else f"/{value}"
        raise click.BadParameter(
            f"{value!r}: remote paths are /a/b, or Space:/a/b; did you mean {meant!r}?"
        )
    return f"{space}{colon[:1]}{re.sub('/+', '/', f'/{inside}')}"


def bare(path: str) -> str:
    """Drop a final ``/``, which says "folder" to people and nothing to the server."""
    short = path.rstrip("/")
    return path if not short or short.endswith(":") else short


def remote_path(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Check one path, or several, as a callback of click; none is none."""
    if value is None:
        return None
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
    """Read a password from a file (``-``: standard input), or ask for it."""
    if file is not None:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        return text.removesuffix("\n")
    _need_terminal()
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer


def new_password(file: Path | None, question: str) -> str:
    """Read a password that is to be set; one that is typed is asked for twice."""
    if file is not None:
        return password_of(file, question)
    options = {one.name for one in click.get_current_context().command.params}
    _need_terminal("--new-password-file" if "new_password_file" in options else "--password-file")
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _need_terminal(option: str = "--password-file") -> None:
    """Refuse where a password would be echoed, or nobody is there.

    Raises:
        click.UsageError: there is no terminal to ask at.
    """
    if sys.stdin.isatty():
        return
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        raise click.UsageError(
            f"nobody is there to be asked for a password; say {option} FILE, "
            f"or {option} - for standard input"
        ) from None


def reports(function: Callable[..., Report]) -> Callable[..., Any]:
    """Give a command ``--json``, and turn what it returns or raises into output and exit code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON envelope on stdout.")
    @functools.wraps(function)
    def run(*args: Any, as_json: bool, **kwargs: Any) -> None:
        context = click.get_current_context()
        name = context.command_path.partition(" ")[2]
        try:
            report = function(*args, **kwargs)
            _deliver(name, report, as_json=as_json, to=_stream(context))
        except BitVaultError as error:
            write_failure(
                said(error, name),
                error.code,
                as_json=as_json,
                command=name,
                hint=hint(error, name, _place_of(kwargs)),
                request_id=getattr(error, "request_id", None),
                to=_stream(context),
            )
            context.exit(exit_code(error))
        except BrokenPipeError:
            # Whoever read has enough; what is still buffered must not be missed at exit.
            _drop_output()
            context.exit(Exit.OK)
        except OSError as error:
            detail = said(error)
            lost = isinstance(error, _OutputFailed)
            as_json = as_json and not lost
            if lost or _stream(context) is sys.stderr:
                _drop_output()
            write_failure(
                detail,
                "local_io",
                as_json=as_json,
                command=name,
                hint=local(error),
                to=_stream(context),
            )
            missing = isinstance(error, FileNotFoundError)
            context.exit(Exit.NOT_FOUND if missing else Exit.PARTIAL)
        context.exit(report.code)

    return run


def _place_of(arguments: Mapping[str, Any]) -> Any:
    """Return the remote place that a command writes to."""
    named = (arguments.get(name) for name in ("target", "to", "path", "entry"))
    return next((one for one in named if one), None)


def _stream(context: click.Context) -> TextIO:
    return sys.stderr if context.meta.get(_STDOUT_TAKEN) else sys.stdout


class _OutputFailed(OSError):  # noqa: N818 - names what stood in the way
    """Standard output takes no more; what was to be said there is lost."""


def _deliver(name: str, report: Report, *, as_json: bool, to: TextIO) -> None:
    try:
        write_report(name, report, as_json=as_json, to=to)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _OutputFailed(error.errno, error.strerror, "standard output") from error


def _drop_output() -> None:
    """Leave out what standard output cannot take, or the interpreter complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

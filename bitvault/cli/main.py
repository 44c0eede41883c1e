"""The entry point. Commands are imported when they are called, so that ``--help`` is instant.

Nothing here may import httpx, msgspec or the SDK: a test holds it to that.
"""

import difflib
import importlib
import signal
import sys

import click

from bitvault import __version__
from bitvault.cli.output import Exit, printable, write_failure

_INTERRUPTED = 130
_SUPERFLUOUS = ("httpx._main", "trio", "anyio", "h2")
"""What httpx imports where it finds it and nothing here uses: a third of the time of a start."""
COMMANDS = {
    "login": ("auth", "Log in to a server and remember the session."),
    "logout": ("auth", "End the session and forget it."),
    "whoami": ("auth", "Show the server and the user."),
    "ls": ("look", "List a folder."),
    "stat": ("look", "Show what is known of a file or folder."),
    "put": ("put", "Upload files, trees, or standard input."),
    "get": ("get", "Download a file or a tree."),
    "cat": ("get", "Write a file to standard output."),
    "mkdir": ("nodes", "Create folders."),
    "mv": ("nodes", "Rename or move a file or folder."),
    "cp": ("nodes", "Copy on the server; no bytes travel."),
    "rm": ("nodes", "Put files or folders in the trash."),
    "trash": ("trash", "List, restore, purge or empty the trash."),
    "versions": ("versions", "List or restore the versions of a file."),
    "token": ("token", "Create, list or revoke API tokens."),
    "sessions": ("sessions", "List where you are logged in; log out there."),
    "spaces": ("spaces", "List, create, change or delete spaces; manage their members."),
    "share": ("sharing", "Give somebody a role on a file or folder."),
    "unshare": ("sharing", "Take a role back."),
    "shared": ("sharing", "List what others shared with you."),
    "access": ("sharing", "Show who has access to something, and why."),
    "restrict": ("sharing", "Have what is granted above a folder end there."),
    "link": ("link", "Make links for people who are no users."),
    "request": ("request", "Ask people who are no users for files."),
    "uploads": ("uploads", "List or abort unfinished uploads."),
    "users": ("users", "List, create, change, disable or delete users."),
    "groups": ("groups", "List or change the groups of your tenant."),
    "passwd": ("auth", "Change your password, or get a mail if you forgot it."),
    "mail": ("letters", "Say where you get mail, and what about."),
    "admin": ("admin", "Keep policy, quota, mail and the audit trail; keep tenants."),
    "api": ("api", "Call the REST API directly."),
    "completion": ("completion", "Print the shell completion script."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line each; imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module a command lives in."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bitvault.cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name one that was probably meant."""
        near = difflib.get_close_matches(args[0], COMMANDS, 1)
        if args[0] not in COMMANDS and near:
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Examples: bitvault login http://127.0.0.1:8080 --user admin; "
    "bitvault put -r ./photos /photos; bitvault get /photos/a.jpg .",
)
@click.version_option(__version__, prog_name="bitvault")
def cli() -> None:
    """Put files in BitVault and get them back.

    Remote paths are /a/b in your personal space, or Space:/a/b. BITVAULT_SERVER and BITVAULT_TOKEN
    win over what `bitvault login` has stored. Exit codes: 0 ok, 1 internal, 2 usage, 3 auth, 4 not
    found, 5 conflict, 6 quota, 7 partial, 8 unavailable, 130 interrupted.
    """


class _Ended(KeyboardInterrupt):
    """The signal of somebody who wants the process gone: it stops as at Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.code = 128 + number
        super().__init__(number)


def _end(number: int, _frame: object) -> None:
    # A second one ends it at once.
    signal.signal(number, signal.SIG_DFL)
    raise _Ended(number)


def _heed() -> None:
    """Have SIGTERM, and the end of the terminal, stop it as Ctrl-C does."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def main() -> None:
    """Run the command line and exit with a code from ``Exit``."""
    _heed()
    for name in _SUPERFLUOUS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: there is none
    code: object
    try:
        code = cli.main(prog_name="bitvault", standalone_mode=False)
    except click.UsageError as error:
        _show_usage(error)
        code = Exit.USAGE
    except click.ClickException as error:
        write_failure(error.format_message(), "error", as_json="--json" in sys.argv)
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt) as error:
        # click makes an Abort of every KeyboardInterrupt.
        cause = error if isinstance(error, KeyboardInterrupt) else error.__cause__
        _show_interrupt(cause)
        code = _code_of(cause)
    sys.exit(code if isinstance(code, int) else 0)


def _code_of(cause: BaseException | None) -> int:
    """Return 130 for Ctrl-C, or what is due for another signal; it may be told as the former."""
    for _ in range(4):
        if isinstance(cause, _Ended):
            return cause.code
        cause = None if cause is None else cause.__context__
    return _INTERRUPTED


def _show_interrupt(cause: BaseException | None) -> None:
    """Say that it was Ctrl-C, or a no to a question, and how to go on."""
    detail = "nothing was done" if cause is None else "interrupted"
    advice = getattr(cause, "advice", "")
    write_failure(detail, "interrupted", as_json="--json" in sys.argv, hint=advice)


def _show_usage(error: click.UsageError) -> None:
    if "--json" in sys.argv:
        write_failure(error.format_message(), "usage", as_json=True)
    else:
        lines = isinstance(error, click.exceptions.NoArgsIsHelpError)
        # Choices come one to a line, which is the library's doing and no name that was typed.
        text = printable(error.format_message().replace("\n\t", " "))
        told = error if lines else click.UsageError(text, error.ctx)
        told.show()

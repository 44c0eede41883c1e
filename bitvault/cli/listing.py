"""Groups of commands: what each does in a whole sentence, and examples of some."""

import re
from itertools import islice

import click

_MOST_EXAMPLES = 3
_EXAMPLES = re.compile(r"^Examples?: ")


class Listing(click.Group):
    """A group whose help cuts no sentence short, and whose examples are those of its commands."""

    group_class = type
    """Its groups are of this class, too."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first sentence of what they say of themselves."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(one)) for name, one in self._shown(ctx)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show an example of each of the first commands."""
        every = (example for _, one in self._shown(ctx) if (example := _example(one)))
        if found := list(islice(every, _MOST_EXAMPLES)):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(f"Examples: {'; '.join(found)}")

    def _shown(self, ctx: click.Context) -> list[tuple[str, click.Command]]:
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        return [(name, one) for name, one in commands if one is not None and not one.hidden]


def _sentence(command: click.Command) -> str:
    text = " ".join((command.short_help or command.help or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z`])", text)[0]


def _example(command: click.Command) -> str:
    """Return the first example of a command, or of the first in a group."""
    if isinstance(command, click.Group):
        return next((found for one in command.commands.values() if (found := _example(one))), "")
    return _EXAMPLES.sub("", command.epilog or "").partition("; ")[0]

"""``completion``: what a shell needs to complete commands and options."""

import click
from click.shell_completion import get_completion_class

from bitvault.cli.context import reports
from bitvault.cli.output import Report


@click.command(epilog='Example: eval "$(bitvault completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@reports
def completion(shell: str) -> Report:
    """Print the completion script; evaluate it in your shell's start file."""
    root = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    script = kind(root, {}, "bitvault", "_BITVAULT_COMPLETE").source()
    return Report([{"shell": shell, "script": script}], script.split("\n"))

"""What the how-tos tell to type can be typed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bitvault.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]
_LINE = re.compile(r"(?:.*\| )?bitvault (?P<words>[a-z].*)")


def commands(page: Path) -> Iterator[str]:
    """Tell the command lines of a page's examples, without what is said of them."""
    fenced = False
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif (fenced or line.startswith("    ")) and (match := _LINE.fullmatch(line.strip())):
            yield match["words"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_one(page: Path) -> None:
    """It is there, takes the options that are named, and as many words."""
    for line in commands(page):
        parse(shlex.split(line, comments=True))


def test_the_examples_are_found() -> None:
    """Those of a page whose form is not understood would pass unread."""
    assert sum(1 for page in PAGES for _ in commands(page)) > 80


def parse(words: list[str]) -> None:
    """Read a command line as the program does, up to what the values of its options mean."""
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, context, name)
    values, left, _ = command.make_parser(context).parse_args(words)
    wanted = [one for one in command.params if one.required]
    missing = [one.name for one in wanted if one.value_is_missing(values.get(str(one.name)))]
    assert (left, missing) == ([], []), context.command_path

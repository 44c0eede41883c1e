"""``request create|list|close|reopen|delete``."""

from pathlib import Path
from typing import Any

import click

from bitvault.cli.commands.link import changed, delete_link, link_foreseen, links, made, until
from bitvault.cli.context import DRY_RUN, Listed, new_password, reports
from bitvault.cli.durations import SAY, duration, from_now
from bitvault.cli.listing import Listing
from bitvault.cli.output import Report, human_size
from bitvault.cli.render import plain, table
from bitvault.cli.sizes import bytes_of
from bitvault.wire.sharing import Link

_ID = Listed("file request", "request list")


@click.group(cls=Listing)
def request() -> None:
    """Ask people who are no users for files; they see nothing of what comes in."""


def _size(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    size = bytes_of(value)
    if not size:
        raise click.BadParameter(f"{value!r}: say bytes, or 500K, 20M, 2G")
    return size


@request.command(
    epilog="Examples: bitvault request create /receipts --deadline 14d --message 'All of 2026'; "
    "bitvault request create /photos --ext jpg --ext png --max-size 20M --max-files 100"
)
@click.argument("path")
@click.option("--deadline", callback=duration, help=f"As {SAY}; then no upload begins any more.")
@click.option("--label", default="", help="The title of its page.")
@click.option("--message", default="", help="Shown on its page.")
@click.option("--max-files", type=click.IntRange(1), help="From all together; else any number.")
@click.option("--max-size", callback=_size, help="Of one file: bytes, or 500K, 20M, 2G.")
@click.option("--ext", "extensions", multiple=True, help="What names may end with; repeatable.")
@click.option("--password", "asks", is_flag=True, help="Ask for a password it shall have.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read its password from a file (its last newline is dropped).",
)
@DRY_RUN
@reports
def create(path: str, **given: Any) -> Report:
    """Make a file request for a folder. Its address is shown only now.

    Whoever has the address puts files into a folder with their name.
    """
    if given["dry_run"]:
        return link_foreseen(path, "uploader", f"would ask for files in {path}")
    asks = given["asks"] or given["password_file"] is not None
    body = {
        "role": "uploader",
        "label": given["label"],
        "expiresAt": from_now(given["deadline"]),
        "password": new_password(given["password_file"], "Its password") if asks else None,
        "request": {
            "message": given["message"],
            "maxFiles": given["max_files"],
            "maxSize": given["max_size"],
            "extensions": given["extensions"],
        },
    }
    return made(path, body)


@request.command("list", epilog="Examples: bitvault request list; bitvault request list /receipts")
@click.argument("path", required=False)
@reports
def list_(path: str | None) -> Report:
    """List the file requests for a folder; without a path, those you made."""
    found = [(one, where) for one, where in links(path) if one.request]
    rows = [_row(one, where) for one, where in found]
    heads = ("id", "for", "until", "files", "bytes", "password", "label")
    return Report([plain(one) for one, _ in found], table(rows, heads))


def _row(one: Link, target: str) -> tuple[Any, ...]:
    if one.request is None:
        raise AssertionError("a request has its terms")
    end = {"revoked": "closed", "used up": "full"}
    most = f" of {one.request.max_files}" if one.request.max_files else ""
    return (
        one.id,
        target,
        end.get(until(one), until(one)),
        f"{one.request.files}{most}",
        human_size(one.request.bytes),
        "yes" if one.has_password else "no",
        one.label,
    )


@request.command(epilog="Example: bitvault request close 0192f3c4-…")
@click.argument("link_id", metavar="ID", type=_ID)
@reports
def close(link_id: str) -> Report:
    """Take nothing more, at once, not even what is under way; what came in stays."""
    return changed(link_id, {"revoked": True}, "takes nothing any more")


@request.command(epilog="Example: bitvault request reopen 0192f3c4-… --deadline 7d")
@click.argument("link_id", metavar="ID", type=_ID)
@click.option("--deadline", callback=duration, help=f"A new one, as {SAY}.")
@reports
def reopen(link_id: str, deadline: int | None) -> Report:
    """Take files again, at the same address."""
    ends = {"expiresAt": from_now(deadline)} if deadline else {}
    return changed(link_id, {"revoked": False, **ends}, "is open")


@request.command(epilog="Example: bitvault request delete 0192f3c4-…")
@click.argument("link_id", metavar="ID", type=_ID)
@reports
def delete(link_id: str) -> Report:
    """End a file request for good; what came in stays."""
    return delete_link(link_id)

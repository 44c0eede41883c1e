"""``admin jobs list|show|run``: what runs in the background; for operators."""

# ruff: noqa: FBT001 - click passes flags by name

import time
from typing import Any
from urllib.parse import quote

import click

from bitvault.cli.context import connect, reports
from bitvault.cli.listing import Listing
from bitvault.cli.output import Exit, Report
from bitvault.cli.render import details, plain, second, table, when
from bitvault.client.client import Client
from bitvault.wire.jobs import Job, JobTurn, RunStarted

_PATH = "/v1/admin/jobs"
_NAME = click.argument("name")
_FIRST_LOOK, _LATER_LOOKS = 0.1, 1.0
"""Seconds before a look at a turn that somebody waits for."""


@click.group(cls=Listing)
def jobs() -> None:
    """See what runs in the background, and have it take a turn. For the platform's operators.

    What is shown of turns is since the server's start; what waits is of all tenants.
    """


@jobs.command("list", epilog="Examples: bitvault admin jobs list; bitvault admin jobs list --json")
@reports
def list_() -> Report:
    """List the background jobs, and what waits for them."""
    with connect() as client:
        found = list(client.listed(_PATH, Job, limit=None))
    rows = [
        (
            one.name,
            one.state,
            second(one.last.began_at if one.last else None),
            second(one.next_at),
            *_waiting(one),
            one.error or _did(one.worked),
        )
        for one in found
    ]
    heads = ("name", "state", "last turn", "next", "waiting", "since", "error, or what it did last")
    return Report([plain(one) for one in found], table(rows, heads))


@jobs.command(epilog="Example: bitvault admin jobs show collect")
@_NAME
@reports
def show(name: str) -> Report:
    """Show what is known of the job NAME."""
    with connect() as client:
        found = client.rest.call("GET", _path(name), Job)
    return Report([plain(found)], _lines(found))


@jobs.command(
    epilog="Examples: bitvault admin jobs run collect; bitvault admin jobs run collect --wait"
)
@_NAME
@click.option("--wait", is_flag=True, help="Until the turn has ended; say what it did.")
@reports
def run(name: str, wait: bool) -> Report:
    """Have the job NAME take a turn now; one under way is ended first."""
    with connect() as client:
        started = client.rest.call("POST", f"{_path(name)}/run", RunStarted)
        if not wait:
            return Report([plain(started)], [f"asked {name} for turn {started.turn}"])
        job = _awaited(client, name, started)
    if job.turns < started.turn:
        warning = f"the server was restarted; look with: bitvault admin jobs show {name}"
        return Report([plain(job)], [], [warning], Exit.PARTIAL)
    turn = job.asked
    if turn is not None and turn.error:
        return Report([plain(job)], [], [f"{name} failed: {turn.error}"], Exit.PARTIAL)
    return Report([plain(job)], [f"{name} took {_took(turn)}: {_did(turn) or 'nothing to do'}"])


def _awaited(client: Client, name: str, started: RunStarted) -> Job:
    """Look until the turn has ended, or counting began anew with another start of the server."""
    pause, job = _FIRST_LOOK, started.job
    while job.turns < started.turn:
        time.sleep(pause)
        pause = min(pause * 2, _LATER_LOOKS)
        job = client.rest.call("GET", _path(name), Job)
        if job.turns < started.job.turns:
            break
    return job


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"


def _waiting(job: Job) -> tuple[str, str]:
    if job.backlog is None:
        return "-", "-"
    dead = f" + {job.backlog.given_up} dead" if job.backlog.given_up else ""
    return f"{job.backlog.waiting}{dead}", when(job.backlog.since)


def _since(waiting: str, since: str) -> str:
    return waiting if since == "-" else f"{waiting} since {since}"


def _did(turn: JobTurn | None) -> str:
    if turn is None:
        return ""
    return ", ".join(f"{name} {count}" for name, count in sorted(turn.did.items()))


def _took(turn: JobTurn | None) -> str:
    return "its turn" if turn is None else f"{turn.seconds:.2f} s"


def _turn_line(turn: JobTurn | None) -> str | None:
    if turn is None:
        return None
    state = "under way" if turn.ended_at is None else _took(turn)
    said = turn.error or _did(turn) or "nothing to do"
    return f"turn {turn.number} at {second(turn.began_at)}, {state}: {said}"


def _lines(job: Job) -> list[str]:
    waiting, since = _waiting(job)
    members: dict[str, Any] = {
        "name": job.name,
        "purpose": job.purpose,
        "worker": job.worker,
        "state": job.state,
        "error": job.error,
        "turns": job.turns,
        "failed in a row": job.failures or None,
        "next": second(job.next_at),
        "waiting": None if job.backlog is None else _since(waiting, since),
        "last": _turn_line(job.last),
        "did something": _turn_line(job.worked),
        "asked for": _turn_line(job.asked),
        "failed": _turn_line(job.failed),
        "all turns": ", ".join(f"{name} {n}" for name, n in sorted(job.totals.items())) or None,
    }
    return details(members)

"""``admin audit`` and ``admin dead-letters list|replay``, and where the rest of ``admin`` is."""

# ruff: noqa: FBT001 - click passes flags by name

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import click

from bitvault.cli.bounded import LIMIT, first, page_of
from bitvault.cli.commands.idp import idp
from bitvault.cli.commands.invitations import invitations, invite
from bitvault.cli.commands.jobs import jobs
from bitvault.cli.commands.outbound import mail
from bitvault.cli.commands.policy import policy
from bitvault.cli.commands.quota import quota
from bitvault.cli.commands.template import template
from bitvault.cli.commands.tenants import tenants
from bitvault.cli.commands.users import user_id
from bitvault.cli.context import bare, connect, is_id, remote, reports
from bitvault.cli.durations import seconds_of
from bitvault.cli.failures import NotFoundHere
from bitvault.cli.listing import Listing
from bitvault.cli.output import Exit, Report, counted
from bitvault.cli.render import plain, second, table, when
from bitvault.client.client import Client
from bitvault.text import folded
from bitvault.wire.admin import AuditEntry, DeadLetter, Replayed, StillFailing, Subject

_HIDDEN = "files and folders only; logins, shares, users and what else people do: --subject all"
_CONSUMER = click.option("--consumer", help="Of one consumer alone; `/status` names them.")


@click.group(cls=Listing)
def admin() -> None:
    """Keep policy, quota, templates and the audit trail; for operators: keep tenants, see jobs.

    Users, groups and spaces have commands of their own: bitvault users, groups, spaces.
    """


admin.add_command(tenants)
admin.add_command(invite)
admin.add_command(invitations)
admin.add_command(mail)
admin.add_command(policy)
admin.add_command(quota)
admin.add_command(template)
admin.add_command(idp)
admin.add_command(jobs)


def moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Read a time: ``2h`` ago, ``2026-11-24``, or RFC 3339; UTC where no zone is named.

    Raises:
        click.BadParameter: it is none of these.
    """
    if value is None:
        return None
    ago = seconds_of(value)
    if ago is not None:
        found = datetime.now(UTC) - timedelta(seconds=ago)
    else:
        try:
            found = datetime.fromisoformat(value).astimezone()  # of here, unless it says its zone
        except (ValueError, OverflowError) as error:
            raise click.BadParameter(
                f"{value!r}: say 30m, 2h or 7d, or a time as 2026-11-24 or 2026-11-24T12:00"
            ) from error
    return found.isoformat()


@admin.command(
    epilog="Examples: bitvault admin audit --since 2h; bitvault admin audit --node /report.odt; "
    "bitvault admin audit --user ann -n 1000 --json; bitvault admin audit --subject session; "
    "bitvault admin audit --subject download --node /report.odt"
)
@click.option("--node", help="What happened to it: a path, or the id of a node that is gone.")
@click.option("--user", help="What this user did: a login or an id.")
@click.option("--since", callback=moment, help="30m, 2h, 7d ago, or a time.")
@click.option("--until", callback=moment, help="The same; not included.")
@click.option(
    "--subject",
    type=click.Choice([*get_args(Subject), "all"]),
    help="What it happened to: a node (with its downloads; these alone: download), its bytes in "
    "the store (blob), a login (session), ...; `node` if neither this nor --node is given.",
)
@click.option(
    "--platform",
    is_flag=True,
    help="With --subject all, also what the platform does to bytes in the store (blob).",
)
@LIMIT
@reports
def audit(
    node: str | None,
    user: str | None,
    since: str | None,
    until: str | None,
    subject: str | None,
    platform: bool,
    limit: int,
) -> Report:
    """Show who did what to what, and from where; newest first."""
    if node is not None and not is_id(node):
        remote(node)
    with connect() as client:
        wanted = {
            "nodeId": node and _node_id(client, node),
            "userId": user and actor_id(client, user),
            "since": since,
            "until": until,
            "subject": _subject(subject, node),
            "platform": "true" if platform else None,
            "limit": page_of(limit),
        }
        found, more = first(client.listed("/v1/audit", AuditEntry, **wanted), limit)
    rows = [(second(one.at), _who(one), one.kind, _what(one), one.address or "-") for one in found]
    lines = table(rows, ("at", "who", "what", "to", "from")) if rows else []
    hides = subject is None and node is None
    told = [_HIDDEN, *more] if hides else more
    return Report([plain(one) for one in found], lines, more, brief=told)


def _subject(subject: str | None, node: str | None) -> str | None:
    """Say what to ask for; of a node all, else what people do to nodes."""
    if subject is None and node is None:
        return "node"
    return None if subject == "all" else subject


def actor_id(client: Client, user: str) -> str:
    """Return the id of a user, or of the last who had that login and is deleted.

    Raises:
        NotFoundHere: nobody has or had that login.
    """
    try:
        return user_id(client, user)
    except NotFoundHere:
        for one in client.listed("/v1/audit", AuditEntry, subject="user"):
            login = str(one.detail.get("login", ""))
            if one.kind == "user.deleted" and folded(login) == folded(user):
                return str(one.aggregate_id)
        raise


def _who(entry: AuditEntry) -> str:
    """Name who did it, and by what if that was no login."""
    if entry.by in {"operator", "platform"}:
        return {"operator": "operator", "platform": "-"}[entry.by]
    if entry.by == "link":
        return f"link {entry.user_id}"
    who, used = entry.login or str(entry.user_id), entry.credential
    return f"{who} by token {used.name}" if used and used.kind == "token" else who


def _node_id(client: Client, node: str) -> str:
    return node if is_id(node) else str(client.node(bare(node)).id)


def _what(entry: AuditEntry) -> str:
    told, it = entry.detail, str(entry.aggregate_id)
    name, before = told.get("name") or told.get("login"), told.get("fromName")
    if entry.kind == "node.downloaded":
        times = f", {told['times']} times" if told["times"] > 1 else ""
        return f"{name or it} (version {told['version']}{times})"
    if entry.kind == "tenant.operated":
        return f"{told['what']} {name}"
    if name is not None:
        return f"{before} -> {name}" if before not in {None, name} else str(name)
    if entry.kind.startswith("tenant."):
        said = [f"{key} {value}" for key, value in told.items() if value is not None]
        return ", ".join(said) or it
    if entry.kind.startswith("share.") and "role" in told:
        return f"{told['role']} {told.get('granteeKind', 'link')} {told.get('granteeId', it)}"
    return it


@admin.group("dead-letters")
def dead_letters() -> None:
    """List events that a consumer could not apply, or apply them again."""


@dead_letters.command("list", epilog="Example: bitvault admin dead-letters list")
@_CONSUMER
@LIMIT
@reports
def list_(consumer: str | None, limit: int) -> Report:
    """List dead letters, with what stood in the way."""
    with connect() as client:
        every = client.listed(
            "/v1/admin/dead-letters", DeadLetter, consumer=consumer, limit=page_of(limit)
        )
        found, more = first(every, limit)
    rows = [
        (
            one.consumer,
            one.seq,
            one.kind,
            one.aggregate_id,
            one.attempts,
            when(one.since),
            one.error,
        )
        for one in found
    ]
    heads = ("consumer", "seq", "kind", "aggregate", "tries", "since", "error")
    return Report([plain(one) for one in found], table(rows, heads) if rows else [], more)


@dead_letters.command(
    epilog="Examples: bitvault admin dead-letters replay --all; "
    "bitvault admin dead-letters replay --consumer audit --aggregate 0193a5b2-..."
)
@_CONSUMER
@click.option("--aggregate", type=click.UUID, help="Of one aggregate alone (a node's id).")
@click.option("--all", "every", is_flag=True, help="All there are.")
@reports
def replay(consumer: str | None, aggregate: UUID | None, every: bool) -> Report:
    """Apply dead letters again, in order; what fails again stays, with the new error."""
    if every == bool(consumer or aggregate):
        raise click.UsageError("say which: --consumer, --aggregate, or --all")
    body: dict[str, Any] = {
        "consumer": consumer,
        "aggregateId": None if aggregate is None else str(aggregate),
    }
    applied, failing = 0, list[StillFailing]()
    with connect() as client:
        while True:
            done = client.rest.call("POST", "/v1/admin/dead-letters/replay", Replayed, body=body)
            applied += done.applied
            failing += done.failing
            if done.next_cursor is None:
                break
            body["cursor"] = done.next_cursor
    result = {"applied": applied, "failing": [plain(one) for one in failing]}
    warnings = [f"{one.consumer} {one.aggregate_id} at {one.seq}: {one.error}" for one in failing]
    line = f"applied {counted(applied, 'letter')}"
    line += f"; {counted(len(failing), 'aggregate')} still failing" if failing else ""
    return Report([result], [line], warnings, Exit.PARTIAL if failing else Exit.OK)

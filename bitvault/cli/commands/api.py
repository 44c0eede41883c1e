"""``api METHOD PATH``: any call, with the stored login."""

# ruff: noqa: FBT001 - click passes flags by name

import json
from typing import Any

import click
import msgspec

from bitvault.cli.context import connect, reports
from bitvault.cli.output import Report
from bitvault.client.client import Client


@click.command(
    epilog="Examples: bitvault api GET /v1/me; bitvault api GET /v1/trash --paginate; "
    "bitvault api POST /v1/folders -f path=/new -f parents=true"
)
@click.argument(
    "method",
    type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"], False),
    metavar="METHOD",
)
@click.argument("path")
@click.option("--data", help="JSON body; @FILE reads it from a file, @- from standard input.")
@click.option(
    "--field",
    "-f",
    "fields",
    multiple=True,
    metavar="KEY=VALUE",
    help="A member of the body; VALUE is JSON when it can be read as such, else text.",
)
@click.option("--paginate", is_flag=True, help="Follow nextCursor and join the items.")
@reports
def api(
    method: str,
    path: str,
    data: str | None,
    fields: tuple[str, ...],
    paginate: bool,
) -> Report:
    """Call the REST API; prints the JSON answer."""
    if not path.startswith("/"):
        raise click.BadParameter("PATH begins with /, as in /v1/me")
    body = _body(data, fields)
    with connect() as client:
        if paginate:
            results = list(client.listed(path, msgspec.Raw, limit=None))
            decoded = [msgspec.json.decode(one) for one in results]
            return Report(decoded, [json.dumps(one, ensure_ascii=False) for one in decoded])
        return _once(client, method.upper(), path, body)


def _once(client: Client, method: str, path: str, body: dict[str, Any] | None) -> Report:
    raw = client.rest.raw(method, path, body=body)
    if not raw:
        return Report()
    try:
        answer = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        text = raw.decode("utf-8", "replace")
        return Report([text], text.split("\n"))
    return Report([answer], json.dumps(answer, indent=2, ensure_ascii=False).split("\n"))


def _body(data: str | None, fields: tuple[str, ...]) -> dict[str, Any] | None:
    """Join ``--data`` and ``--field``; None when neither is given."""
    if data is None and not fields:
        return None
    body = _object(data) if data is not None else {}
    for one in fields:
        key, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(f"--field {one!r}: say KEY=VALUE")
        body[key] = _value(value)
    return body


def _object(data: str) -> dict[str, Any]:
    if data.startswith("@"):
        with click.open_file(data[1:], encoding="utf-8") as file:
            data = file.read()
    try:
        value = json.loads(data)
    except ValueError as error:
        raise click.BadParameter(f"--data: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise click.BadParameter("--data: must be a JSON object")
    return value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

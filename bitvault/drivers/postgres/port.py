"""The database port: transactions over named SQL.

A room never sees a connection. It hands a piece of work to ``transact``; the driver begins,
commits, rolls back on any exception, and retries the whole piece when PostgreSQL asks for it
(40001, 40P01), so work must do nothing but talk to its transaction.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Protocol, TypeVar
from uuid import UUID

from attrs import evolve, frozen

from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import NOT_OF_THIS_LIST, bigint_in, id_in
from bitvault.kernel.refusal import Refused

T = TypeVar("T")
Row = Mapping[str, Any]

_HEADER = re.compile(r"^-- (\w+)(, across tenants)? --$")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


@frozen
class Query:
    """One named statement with ``$n`` placeholders, and the parameter names in their order.

    One that looks across tenants names none, and runs in no transaction of a tenant's.
    """

    name: str
    sql: str
    parameters: tuple[str, ...]
    is_across: bool = False

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """Put ``given`` in placeholder order; a missing or unknown name is a ``TypeError``."""
        if given.keys() != set(self.parameters):
            wrong = sorted(given.keys() ^ set(self.parameters))
            raise TypeError(f"query {self.name}: missing or unknown parameters {wrong}")
        return [given[name] for name in self.parameters]


class Transaction(Protocol):
    """An open transaction; valid only inside the work it was handed to."""

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        """Run ``query`` and return every row."""
        ...

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        """Run ``query`` and return its first row, or None."""
        ...

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Run ``query`` and return the number of rows it touched."""
        ...

    def after_commit(self, notify: Callable[[], None]) -> None:
        """Call ``notify`` once the commit is durable; lost in a crash, so only for wake-ups."""
        ...


class Database(Protocol):
    """Raises ``DependencyDown`` when PostgreSQL cannot answer (``unknown`` for a lost COMMIT).

    The tenant is the second wall (ADR-0015): rows of others can be neither seen nor written.
    ``None`` sees the rows of every tenant and can write none; it is for finding out whose turn it
    is.
    """

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Run ``work`` in one READ COMMITTED transaction and commit it."""
        ...

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` for reading only, each statement on its own snapshot."""
        ...


_ERASE = Query(
    "erase",
    "SELECT bitvault.erase($1::text, $2::text[], $3::integer) AS rows",
    ("schema", "kept", "most"),
)


async def erase_rows(tx: Transaction, schema: str, most: int, kept: Sequence[str] = ()) -> int:
    """Delete up to ``most`` rows of the transaction's tenant in a schema; return how many.

    All its tables are meant, those of tomorrow as well, but for the ``kept`` ones.
    """
    row = await tx.fetchrow(_ERASE, schema=schema, kept=list(kept), most=most)
    return int(row["rows"]) if row else 0


def load_queries(package: str, name: str = "queries.sql") -> Mapping[str, Query]:
    """Read a room's SQL file: blocks of ``-- name --``, ``-- why`` lines, one statement.

    Every statement names its tenant, except those under ``-- name, across tenants --``.
    Parameters are written ``:name``; ``::type`` casts and string literals are left alone as long
    as no literal contains a colon followed by a letter.
    """
    blocks: dict[str, list[str]] = {}
    across: set[str] = set()
    lines: list[str] = []
    for line in (files(package) / name).read_text(encoding="utf-8").splitlines():
        if header := _HEADER.match(line):
            lines = []
            if header[1] in blocks:
                raise ValueError(f"{package}/{name}: query {header[1]} is there twice")
            blocks[header[1]] = lines
            across |= {header[1]} if header[2] else set()
        elif not line.startswith("--"):
            lines.append(line)
    return {
        key: evolve(_compile(key, "\n".join(body).strip()), is_across=key in across)
        for key, body in blocks.items()
    }


def _compile(name: str, text: str) -> Query:
    order = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    sql = _PARAMETER.sub(lambda match: f"${order.index(match[1]) + 1}", text)
    return Query(name, sql.rstrip(";"), order)


async def keyset(
    tx: Transaction,
    query: Query,
    tenant: TenantId,
    keys: Mapping[str, Any],
    after: Sequence[str | int | UUID] | None,
    limit: int,
) -> tuple[list[Row], list[str | int | UUID] | None]:
    """Return a slice of a list that ``query`` orders by ``keys``, and the last one's key.

    ``keys`` are the columns, ids and bigints, with what comes before all of their values; a query
    takes them as parameters, with ``tenant`` and ``limit``. Without a key there is no more.

    Raises:
        Refused: ``Invalid`` naming the cursor: ``after`` is no key of this list.
    """
    start = dict(keys) if after is None else _started(keys, after)
    rows = await tx.fetch(query, tenant=tenant, limit=limit + 1, **start)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    key: list[str | int | UUID] = [
        one if isinstance(one := last[name], int) else str(one) for name in keys
    ]
    return rows[:limit], key


def _started(keys: Mapping[str, Any], after: Sequence[str | int | UUID]) -> dict[str, Any]:
    if len(after) != len(keys):
        raise Refused(NOT_OF_THIS_LIST)
    return {
        name: bigint_in(value) if isinstance(least, int) else id_in(value)
        for (name, least), value in zip(keys.items(), after, strict=True)
    }

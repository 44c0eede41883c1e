"""What every room is asked to tell of a tenant that takes its data along (ADR-0025)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from attrs import field, frozen

from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request

Key = Sequence[str | int | UUID]


@frozen
class ExportKind:
    """One kind of record that a service tells of."""

    name: str
    key: tuple[type, ...] = (str,)
    """The types of what its records are ordered by; a text is always an id."""


def _plain(records: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(msgspec.to_builtins(dict(one)) for one in records)


@frozen
class Exported:
    """Some records of one kind in the order of their keys; values are JSON's, and no secrets."""

    records: tuple[Mapping[str, Any], ...] = field(converter=_plain)
    last: Key | None
    """The key of the last one; None: there are no more."""


@frozen
class ExportRecords(Request[Exported, Invalid | Forbidden]):
    """Tell up to ``limit`` records of a kind whose keys come after ``after``; for operators."""

    caller: Caller
    tenant_id: TenantId
    kind: str
    after: Key | None = None
    limit: int = 100

"""Grants and links go with their tenant, and can be taken along."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from attrs import define

from bitvault.actors.room import erase_schema, export_slice
from bitvault.drivers.postgres.port import Database, load_queries
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from supervisors import handles

_EXPORT = load_queries("bitvault.actors.sharing.store", "export.sql")
_KEYS: Mapping[str, Mapping[str, Any]] = {
    "grant": {"node_id": UUID(int=0), "grantee_id": UUID(int=0)},
    "link": {"link_id": UUID(int=0)},
}


@define(eq=False)
class TenantErasure:
    """What the finalizer asks for, and an operator who exports a tenant."""

    database: Database

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete what was shared in a tenant that is leaving."""
        return await erase_schema(self.database, "sharing", request)

    @handles(ExportRecords)
    async def export_records(self, request: ExportRecords) -> Exported:
        """Tell grants or links, without any secret."""
        kind = request.kind
        return await export_slice(self.database, _EXPORT[kind], _KEYS[kind], request)

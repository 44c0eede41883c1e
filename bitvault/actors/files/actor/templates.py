"""What new spaces start with, as the tenant's admins say."""

from attrs import define

from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    DropTemplate,
    KindMismatch,
    ListTemplates,
    SetTemplate,
    Target,
    Template,
    TemplateChanged,
    TooManyNodes,
)
from bitvault.actors.files.store.drawing import SQL as STRUCTURE
from bitvault.actors.files.store.locate import locate_one
from bitvault.actors.files.store.templates import MAX_NODES, SQL
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.access import Right
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Invalid, Refused
from supervisors import handles


@define(eq=False)
class Templates:
    """A template is a folder like any other; only its id is kept."""

    transactions: FilesTransactions

    @handles(ListTemplates)
    async def list_templates(self, message: ListTemplates) -> tuple[Template, ...]:
        """List them by kind."""
        tenant = _admin(message.caller).tenant_id

        async def work(tx: Transaction) -> tuple[Template, ...]:
            rows = await tx.fetch(SQL["templates"], tenant=tenant)
            return tuple(Template(row["kind"], NodeId(row["node_id"])) for row in rows)

        return await self.transactions.read(message.caller, work)

    @handles(SetTemplate)
    async def set_template(self, message: SetTemplate) -> Template:
        """Name the folder, if it is small enough to be copied with each new space."""
        caller, kind = _admin(message.caller), _kind(message.kind)
        target = Target(node_id=message.node_id)

        async def work(tx: Transaction) -> Template:
            place = await locate_one(tx, caller, target, Right.READ)
            if place.node["kind"] != "folder":
                raise Refused(KindMismatch(place.path, "folder"))
            below = {"tenant": caller.tenant_id, "node_id": message.node_id}
            rows = await tx.fetch(STRUCTURE["live_subtree"], **below, limit=MAX_NODES + 1)
            if len(rows) > MAX_NODES:
                raise Refused(TooManyNodes(MAX_NODES))
            await tx.execute(SQL["put_template"], **below, kind=kind)
            event = TemplateChanged(caller.tenant_id, 0, kind, message.node_id)
            await self.transactions.appender(caller)(tx, [event])
            return Template(kind, message.node_id)

        return await self.transactions.write(caller, work)

    @handles(DropTemplate)
    async def drop_template(self, message: DropTemplate) -> None:
        """Let new spaces start empty; the folder stays."""
        caller, kind = _admin(message.caller), _kind(message.kind)

        async def work(tx: Transaction) -> None:
            row = await tx.fetchrow(SQL["drop_template"], tenant=caller.tenant_id, kind=kind)
            if row is not None:
                event = TemplateChanged(caller.tenant_id, 0, kind, None)
                await self.transactions.appender(caller)(tx, [event])

        await self.transactions.write(caller, work)


def _admin(caller: Caller) -> Caller:
    return admin_of(caller, "say what new spaces start with")


def _kind(kind: str) -> str:
    if kind not in {"personal", "team"}:
        raise Refused(Invalid("kind", "must be personal or team"))
    return kind

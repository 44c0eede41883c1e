"""Shows a tenant's mail to its admins, and sends it again."""

from collections.abc import Mapping
from uuid import UUID

from attrs import define

from bitvault.actors.notifier import store
from bitvault.actors.notifier.contract import (
    STATES,
    InspectMail,
    ListMail,
    Mail,
    MailNotFound,
    Mails,
    ResendMail,
)
from bitvault.actors.room import Room, erase_schema
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.clock import Clock
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import Page, decode_cursor, id_in, page_of, page_size
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Invalid, Refused
from supervisors import handles

_NEWEST = ((1 << 63) - 1, UUID(int=(1 << 128) - 1))
_CURSOR = ("mail",)


@define(eq=False)
class Notifier(Room):
    """For tenant admins; ``is_on``: there is a mail server."""

    database: Database
    clock: Clock
    is_on: bool

    @handles(ListMail)
    async def list_mail(self, request: ListMail) -> Page[Mail]:
        """List mails, newest first."""
        tenant_id, state = _admin(request.caller), request.state
        if state is not None and state not in STATES:
            raise Refused(Invalid("state", f"must be one of {', '.join(STATES)}"))
        limit, before = page_size(request.limit), _place(request.cursor)

        async def work(tx: Transaction) -> tuple[Mail, ...]:
            return await store.mails(tx, tenant_id, state, before, limit + 1)

        found = await self.database.read(tenant_id, work)
        keys = [(mail.seq, str(mail.mail_id)) for mail in found]
        return page_of(found, limit, keys, _CURSOR)

    @handles(InspectMail)
    async def inspect_mail(self, request: InspectMail) -> Mails:
        """Say how it stands."""
        tenant_id = _admin(request.caller)

        async def work(tx: Transaction) -> Mails:
            queued, oldest_at = await store.count_of(tx, tenant_id, "queued")
            failed, _ = await store.count_of(tx, tenant_id, "failed")
            return Mails(self.is_on, queued, failed, oldest_at)

        return await self.database.read(tenant_id, work)

    @handles(CountBacklog)
    async def count_backlog(self, _: CountBacklog) -> Mapping[str, Backlog]:
        """Count the mails that wait, of all tenants."""
        queued, oldest_at = await self.database.read(None, store.waiting)
        return {"mail": Backlog(queued, oldest_at)}

    @handles(ResendMail)
    async def resend_mail(self, request: ResendMail) -> Mail:
        """Queue a mail again."""
        tenant_id, now = _admin(request.caller), self.clock.now()

        async def work(tx: Transaction) -> Mail | None:
            return await store.resend(tx, tenant_id, request.mail_id, now)

        found = await self.database.transact(tenant_id, work)
        if found is None:
            raise Refused(MailNotFound())
        return found

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete the mail of a tenant that is leaving, sent and unsent."""
        return await erase_schema(self.database, "notifier", request)


def _admin(caller: Caller) -> TenantId:
    return admin_of(caller, "see to the mail").tenant_id


def _place(cursor: str | None) -> tuple[int, UUID]:
    if cursor is None:
        return _NEWEST
    seq, mail_id = decode_cursor(cursor, [int, str], _CURSOR)
    return int(seq), id_in(mail_id)

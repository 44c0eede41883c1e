"""Logging out at the provider: it tells us, and what came in by it ends."""

from datetime import UTC, datetime

from attrs import define

from bitvault.actors.identity.contract import EndVouchedSessions
from bitvault.actors.room import ask_below
from bitvault.actors.sso.actor.access import ProviderAccess
from bitvault.actors.sso.contract import LoggedOut, LogOut, LogoutRefused
from bitvault.actors.sso.rules import logout as rules
from bitvault.actors.sso.rules import tokens
from bitvault.actors.sso.rules.sign_in import digest
from bitvault.actors.sso.rules.tokens import Untrusted
from bitvault.actors.sso.store import sign_ins as store
from bitvault.actors.sso.store.providers import Kept
from bitvault.drivers.outgoing.port import Unreachable
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from bitvault.outbox import Outbox
from supervisors import Ref, handles


@define(eq=False)
class Logouts:
    """The caller has to bring the provider's own word for it, and only once."""

    database: Database
    outbox: Outbox
    identity: Ref
    clock: Clock
    access: ProviderAccess

    @handles(LogOut)
    async def log_out(self, request: LogOut) -> None:
        """End what came in by a provider.

        What is to end ends first, and the token is remembered last: a provider that was not
        answered may repeat itself. Whether there was anything to end, the answer does not say.
        """
        kept, said = await self._believed(request)
        token_hash = digest(said.token_id)
        await self._check_new(kept, said, token_hash)
        ended = await ask_below(self.identity, _ending(kept, said, request), "identity")
        if isinstance(ended, Refusal):
            raise Refused(Unavailable("identity"))
        provider_id, ends = request.provider_id, datetime.fromtimestamp(said.ends, UTC)

        async def work(tx: Transaction) -> None:
            await store.drop_old(tx, kept.tenant_id, self.clock.now())
            token = kept.tenant_id, provider_id, token_hash
            if not await store.insert_logout(tx, *token, ends):
                raise Refused(_repeated())
            if ended:
                told = [LoggedOut(provider_id, 0, ended)]
                await self.outbox.append(tx, kept.tenant_id, told, request.origin)

        await self.database.transact(kept.tenant_id, work)

    async def _believed(self, request: LogOut) -> tuple[Kept, rules.Logout]:
        try:
            kept = await self.access.serving(request.provider_id)
        except Refused as refused:
            reason = "there is no such identity provider"
            raise Refused(LogoutRefused(reason)) from refused
        terms, now = kept.provider.terms, self.clock.now().timestamp()
        try:
            header = tokens.header_of(request.token)
            with self.access.waits_for(kept.tenant_id, "logout"):
                metadata = await self.access.metadata(kept)
                key = await self.access.issuers.key(metadata, header)
            parties = terms.issuer, terms.client_id
            return kept, rules.logout_of(request.token, header, key, parties, now)
        except Untrusted as error:
            raise Refused(LogoutRefused(error.reason)) from error
        except Unreachable as error:
            raise Refused(Unavailable("the identity provider")) from error

    async def _check_new(self, kept: Kept, said: rules.Logout, token_hash: bytes) -> None:
        """Refuse a token that was heeded; else take from clients what they have not come for."""
        tenant_id, provider_id = kept.tenant_id, kept.provider.provider_id

        async def work(tx: Transaction) -> None:
            if await store.is_heeded(tx, tenant_id, provider_id, token_hash):
                raise Refused(_repeated())
            await store.drop_tickets(tx, tenant_id, provider_id, said.subject, said.sid)

        await self.database.transact(tenant_id, work)


def _repeated() -> LogoutRefused:
    return LogoutRefused("the token was used before (jti)")


def _ending(kept: Kept, said: rules.Logout, request: LogOut) -> EndVouchedSessions:
    return EndVouchedSessions(
        tenant_id=kept.tenant_id,
        source=str(kept.provider.provider_id),
        issuer=kept.provider.terms.issuer,
        subject=said.subject,
        sid=said.sid,
        origin=request.origin,
    )

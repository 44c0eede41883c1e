"""Going on with a session whose secret rotates (ADR-0028)."""

from datetime import datetime

from attrs import define

from bitvault.actors.identity.actor.accounts.attempts import Attempts
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    RefreshReused,
    RefreshSession,
    Rotation,
    SessionRefreshed,
    Unauthenticated,
)
from bitvault.actors.identity.rules import IdentityOptions, codes, rotation
from bitvault.actors.identity.rules.rotation import Kept, Presented, Use
from bitvault.actors.identity.rules.tokens import PREFIX_SHOWN, token_digest
from bitvault.actors.identity.store import credentials, rotations
from bitvault.actors.identity.store.rotations import Held
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.principal import Origin
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class Rotations:
    """Gives a session its next secrets, and ends one whose refresh token two have."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    options: IdentityOptions
    attempts: Attempts
    principals: Principals

    @handles(RefreshSession)
    async def refresh_session(self, request: RefreshSession) -> SessionRefreshed | Unauthenticated:
        """Go on with a session.

        A wrong token is charged, a right one never waits: nobody guesses 384 bits, and a neighbour
        who tries must not end other people's work.
        """
        presented = rotation.read(request.refresh_token)
        refreshed = presented and await self._refreshed(presented, request.origin)
        if refreshed:
            return refreshed
        await self.attempts.take(rotation.wrong(self.options, request.origin.address))
        return Unauthenticated()

    async def _refreshed(self, presented: Presented, origin: Origin) -> SessionRefreshed | None:
        """Look for the session in its tenant; what is nobody's takes the same way in no tenant."""
        now = self.clock.now()

        async def find(tx: Transaction) -> TenantId | None:
            return await rotations.tenant_of(tx, presented.family_hash, now)

        tenant_id = await self.database.read(None, find) or codes.NO_TENANT

        async def work(tx: Transaction) -> SessionRefreshed | Held | None:
            held = await rotations.hold(tx, tenant_id, presented.family_hash, now)
            if held is None:
                return None
            use = rotation.use_of(held.kept, presented, now)
            if use is Use.NEXT:
                return await self._rotate(tx, tenant_id, presented, held, now)
            if use is Use.AGAIN:
                return _again(presented, held)
            await self._end(tx, tenant_id, held, origin)
            return held

        done = await self.database.transact(tenant_id, work)
        if isinstance(done, Held):
            self.principals.forget(tenant_id, done.user_id)
            return None
        return done

    async def _rotate(
        self,
        tx: Transaction,
        tenant_id: TenantId,
        presented: Presented,
        held: Held,
        now: datetime,
    ) -> SessionRefreshed:
        salt = self.ids.secret(rotation.SALT_BYTES)
        token, following = rotation.successor(presented, salt)
        ends = rotation.secret_end(self.options, now, held.expires_at)
        await rotations.rotate(
            tx,
            tenant_id,
            presented,
            salt=salt,
            secret=(token_digest(token) or b"", token[:PREFIX_SHOWN], ends),
            refresh_digest=following.digest,
            now=now,
            idle_expires_at=self.options.idle_end(now),
        )
        return SessionRefreshed(token, Rotation(following.render(), ends), held.expires_at)

    async def _end(self, tx: Transaction, tenant_id: TenantId, held: Held, origin: Origin) -> None:
        """End the session: which of the two is the thief, nobody can tell."""
        await credentials.delete_credential(tx, tenant_id, held.user_id, held.credential_id)
        reused = RefreshReused(held.credential_id, 0, held.user_id, held.client, held.address)
        await self.outbox.append(tx, tenant_id, [reused], origin)


def _again(presented: Presented, held: Held) -> SessionRefreshed:
    """Tell the successor that was told a moment ago."""
    token, following = rotation.successor(presented, _salt(held.kept))
    shown = Rotation(following.render(), held.secret_expires_at)
    return SessionRefreshed(token, shown, held.expires_at)


def _salt(kept: Kept) -> bytes:
    if kept.salt is None:
        raise AssertionError("what was replaced was replaced with a salt")
    return kept.salt

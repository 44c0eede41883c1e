"""Saying whose token this is, and ending sessions."""

from contextlib import suppress
from datetime import datetime

import trio
from attrs import define

from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    Authenticate,
    CloseOtherSessions,
    CloseSessionsOf,
    SessionsEnded,
    Unauthenticated,
    UserNotFound,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store import accounts
from bitvault.actors.identity.store import credentials as store
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.principal import Principal, admin_of
from bitvault.kernel.refusal import DependencyDown, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_TOUCH_SECONDS = 60.0


@define(eq=False)
class Sessions:
    """Who comes with a token. Caches nothing for longer than a second."""

    database: Database
    outbox: Outbox
    clock: Clock
    options: IdentityOptions
    principals: Principals

    @handles(Authenticate)
    async def authenticate(self, request: Authenticate) -> Principal | Unauthenticated:
        """Say whose token this is, from a cache at most a second old."""
        digest = token_digest(request.token)
        if digest is None:
            return Unauthenticated()
        asked_at, revocations = trio.current_time(), self.principals.revocations
        principal = self.principals.get(digest, asked_at)
        if principal is not None:
            return principal
        known = await self._look_up(digest)
        self.principals.keep(digest, known.principal if known else None, asked_at, revocations)
        if known is None:
            return Unauthenticated()
        await self._touch(known)
        return known.principal

    async def _look_up(self, digest: bytes) -> store.Known | None:
        now = self.clock.now()

        async def find(tx: Transaction) -> store.Known | None:
            return await store.principal_by_secret(tx, digest, now)

        known = await self.database.read(None, find)
        return None if known is None or known.has_ended(now) else known

    async def _touch(self, known: store.Known) -> None:
        """Record a use, once a minute; one that cannot be recorded is no reason to refuse it."""
        now, principal = self.clock.now(), known.principal
        if not _is_stale(known, now):
            return

        async def touch(tx: Transaction) -> None:
            await store.touch_credential(tx, principal, now, self.options.idle_end(now))

        with suppress(DependencyDown):
            await self.database.transact(principal.tenant_id, touch)

    @handles(CloseOtherSessions)
    async def close_other_sessions(self, request: CloseOtherSessions) -> None:
        """End every session of the caller's user but the one in use."""
        principal = request.caller.principal

        async def work(tx: Transaction) -> None:
            await store.delete_other_sessions(tx, principal)
            event = SessionsEnded(principal.user_id, 0)
            await self.outbox.append(tx, request.caller.tenant_id, [event], request.caller)

        await self.database.transact(principal.tenant_id, work)
        self.principals.forget(principal.tenant_id, principal.user_id)

    @handles(CloseSessionsOf)
    async def close_sessions_of(self, request: CloseSessionsOf) -> None:
        """End every session of a user."""
        caller = admin_of(request.caller, "end another user's sessions")
        tenant_id, user_id = caller.tenant_id, request.user_id

        async def work(tx: Transaction) -> None:
            # A login under way is waited for, so that its session ends too.
            if await accounts.hold_user(tx, tenant_id, user_id) is None:
                raise Refused(UserNotFound(str(user_id)))
            await store.delete_sessions(tx, tenant_id, user_id)
            await self.outbox.append(tx, caller.tenant_id, [SessionsEnded(user_id, 0)], caller)

        await self.database.transact(tenant_id, work)
        self.principals.forget(tenant_id, user_id)


def _is_stale(known: store.Known, now: datetime) -> bool:
    used = known.last_used_at
    return used is None or (now - used).total_seconds() > _TOUCH_SECONDS

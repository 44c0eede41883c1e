"""Logging in on a machine without a browser: somebody approves it where there is one (RFC 8628)."""

from datetime import timedelta
from uuid import UUID

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess, hold_active
from bitvault.actors.identity.actor.accounts.issuer import CredentialIssuer, principal_of
from bitvault.actors.identity.contract import (
    AccessDenied,
    AnswerDevice,
    AuthorizationPending,
    BeginDevice,
    CollectSession,
    Device,
    DeviceBegun,
    DeviceNotFound,
    ExpiredToken,
    FindDevice,
    SecretIssued,
    SessionApproved,
    SessionOpened,
    SlowDown,
    TooManyCodes,
    TooManyDevices,
)
from bitvault.actors.identity.rules import IdentityOptions, codes
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store import accounts, devices
from bitvault.actors.identity.store import credentials as store
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.addresses import subscriber
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UserId
from bitvault.kernel.limits import seconds_to_wait
from bitvault.kernel.principal import Caller, Origin, Scope
from bitvault.kernel.refusal import DependencyDown, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_DRAWS = 3
"""Two equal codes of ten thousand are drawn once in half a million times."""


@define(eq=False)
class Devices:
    """What asks to be let in, and who lets it.

    Approving makes a session that nobody has the secret of. The device takes it by its own code,
    once; whatever ends the user's sessions in between ends it like the others.
    """

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    limits: Limits
    options: IdentityOptions
    access: AccountAccess
    issuer: CredentialIssuer

    @handles(BeginDevice)
    async def begin_device(self, request: BeginDevice) -> DeviceBegun:
        """Give out two codes."""
        name = codes.checked_client(request.name)
        if wait := seconds_to_wait(await self.limits.take(codes.begun(request.origin.address))):
            raise Refused(TooManyDevices(wait))
        device_code = codes.device_code(self.ids.secret(codes.SECRET_BYTES))
        for _ in range(_DRAWS):
            user_code = codes.user_code(self.ids.secret(codes.DRAWN_BYTES))
            hashes = codes.digest_of(device_code), codes.digest_of(user_code)
            if await self._wait(hashes, name, request.origin):
                return DeviceBegun(device_code, user_code, codes.LIFETIME, codes.INTERVAL)
        raise Refused(TooManyDevices(codes.INTERVAL))

    async def _wait(self, hashes: tuple[bytes, bytes], name: str, origin: Origin) -> bool:
        now = self.clock.now()
        expires_at = now + timedelta(seconds=codes.LIFETIME)
        kept = evolve(
            origin,
            address=rules.storable(origin.address),
            user_agent=rules.storable(origin.user_agent),
        )

        async def work(tx: Transaction) -> bool:
            await devices.forget_old(tx, now)
            if await devices.count(tx, now, codes.MOST_WAITING) >= codes.MOST_WAITING:
                # Refusing would let whoever filled it lock everybody out.
                await devices.make_room(tx, now, codes.MOST_WAITING, codes.MADE_ROOM)
            times = {"now": now, "expires_at": expires_at}
            return await devices.insert_device(tx, hashes, name, kept, **times)

        return await self.database.transact(codes.NO_TENANT, work)

    @handles(FindDevice)
    async def find_device(self, request: FindDevice) -> Device:
        """Show what waits under a code."""
        _, row = await self._typed(request.caller, request.user_code)
        here = subscriber(request.caller.origin.address)
        return Device(
            row["name"],
            row["address"],
            row["user_agent"],
            row["created_at"],
            row["expires_at"],
            is_near=subscriber(row["address"]) == here,
        )

    @handles(AnswerDevice)
    async def answer_device(self, request: AnswerDevice) -> None:
        """Approve, or deny."""
        caller = request.caller
        user_hash, row = await self._typed(caller, request.user_code)
        credential_id = await self._approve(caller, row) if request.is_approved else None
        now = self.clock.now()

        async def answer(tx: Transaction) -> bool:
            return await devices.answer_device(tx, user_hash, caller, credential_id, now)

        if await self.database.transact(codes.NO_TENANT, answer):
            return
        if credential_id is not None:
            await self._withdraw(caller, credential_id)
        raise Refused(DeviceNotFound())

    async def _typed(self, caller: Caller, code: str) -> tuple[bytes, Row]:
        """Find what waits; only a wrong code is counted as a guess."""
        charges = codes.typed(self.options, caller)
        if wait := seconds_to_wait(await self.limits.take(charges)):
            raise Refused(TooManyCodes(wait))
        user_hash, now = codes.typed_digest(code), self.clock.now()

        async def find(tx: Transaction) -> Row | None:
            return await devices.device_typed(tx, user_hash or b"", now)

        try:
            row = await self.database.read(codes.NO_TENANT, find)
        except DependencyDown:
            await self.limits.give_back(charges)
            raise
        if row is None or user_hash is None:
            raise Refused(DeviceNotFound())
        await self.limits.give_back(charges)
        return user_hash, row

    async def _approve(self, caller: Caller, row: Row) -> UUID:
        """Make the session that the device may take until the codes expire."""
        user = await self.access.user_of(caller)
        origin = evolve(caller.origin, address=row["address"], user_agent=row["user_agent"])
        _, credential = self.issuer.new(row["name"], Scope.ACCOUNT, row["expires_at"], origin)

        async def work(tx: Transaction) -> None:
            await hold_active(tx, user)
            unclaimed = codes.unclaimed(bytes(row["device_hash"]))
            if not await devices.insert_unclaimed(tx, user, credential, unclaimed):
                raise Refused(DeviceNotFound())
            said = (user.user_id, row["name"], row["address"])
            event = SessionApproved(credential.credential_id, 0, *said)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)

        await self.database.transact(user.tenant_id, work)
        return credential.credential_id

    async def _withdraw(self, caller: Caller, credential_id: UUID) -> None:
        """End a session that no device was given: another answer was first."""
        who = caller.tenant_id, caller.principal.user_id

        async def work(tx: Transaction) -> None:
            await store.delete_credential(tx, *who, credential_id)

        await self.database.transact(caller.tenant_id, work)

    @handles(CollectSession)
    async def collect_session(self, request: CollectSession) -> SecretIssued:
        """Hand over the session, if somebody has approved it."""
        device_hash, now = codes.digest_of(request.device_code), self.clock.now()
        if wait := seconds_to_wait(await self.limits.take(codes.polled(device_hash))):
            raise Refused(SlowDown(wait))

        async def find(tx: Transaction) -> Row | None:
            return await devices.device_polling(tx, device_hash, now)

        row = await self.database.read(codes.NO_TENANT, find)
        if row is None:
            raise Refused(ExpiredToken())
        if row["state"] == "waiting":
            raise Refused(AuthorizationPending())
        if row["state"] == "denied":
            raise Refused(AccessDenied())
        return await self._claim(row, request)

    async def _claim(self, row: Row, request: CollectSession) -> SecretIssued:
        tenant_id, user_id = TenantId(row["for_tenant_id"]), UserId(row["for_user_id"])
        origin = request.origin
        token, drawn = await self.issuer.session(tenant_id, row["name"], origin)
        credential = evolve(drawn, credential_id=row["credential_id"])
        first = self.issuer.first(credential, wanted=request.is_refreshable)
        secrets = codes.unclaimed(bytes(row["device_hash"])), token_digest(token) or b""

        async def work(tx: Transaction) -> SecretIssued:
            is_active = await accounts.hold_active(tx, tenant_id, user_id)
            account = await accounts.account_by_id(tx, tenant_id, user_id) if is_active else None
            if account is None:
                raise Refused(AccessDenied())
            user, idle = account.user, self.options.idle_end(credential.created_at)
            if not await devices.claim_session(
                tx, user, credential, secrets=secrets, idle_expires_at=idle, first=first
            ):
                raise Refused(AccessDenied())
            who = principal_of(user, credential)
            opened = SessionOpened(credential.credential_id, 0)
            await self.outbox.append(tx, tenant_id, [opened], Caller(who, origin))
            return SecretIssued(token, credential, user, first)

        return await self.database.transact(tenant_id, work)

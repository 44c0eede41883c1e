"""Invitations: made by admins, accepted by whoever got the mail."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.actor.accounts.issuer import CredentialIssuer, principal_of
from bitvault.actors.identity.contract import (
    AcceptInvitation,
    AlreadyInvited,
    Credential,
    GetInvitation,
    GroupJoined,
    GroupNotFound,
    Invitation,
    InvitationAccepted,
    InvitationLetter,
    InvitationNotFound,
    InvitationRevoked,
    Invite,
    Invited,
    ListInvitations,
    LoginTaken,
    MintInvitation,
    OpenInvitation,
    RevokeInvitation,
    SecretIssued,
    SendInvitationAgain,
    SessionOpened,
    TenantSuspended,
    TooManyUsers,
    User,
    UserCreated,
    UserInvited,
)
from bitvault.actors.identity.rules import IdentityOptions, mail
from bitvault.actors.identity.store import accounts, credentials, groups, keys, mailboxes, tenants
from bitvault.actors.identity.store import invitations as store
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import GroupId, Ids, TenantId
from bitvault.kernel.paging import Page, after_id, page_of, page_size
from bitvault.kernel.principal import Caller, Scope, admin_of, check_in_person
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.outbox import Outbox
from supervisors import handles

T = TypeVar("T")
_CURSOR = ["invitations"]


@define(eq=False)
class Invitations:
    """The address is known to be the user's, because the secret came there."""

    database: Database
    outbox: Outbox
    passwords: Passwords
    clock: Clock
    ids: Ids
    options: IdentityOptions
    access: AccountAccess
    issuer: CredentialIssuer

    @handles(Invite)
    async def invite(self, request: Invite) -> Invitation:
        """Note an invitation; its mail is written later."""
        caller = admin_of(request.caller, "invite users")
        if request.is_admin:
            check_in_person(caller, "make admins")
        mail.check_sends_mail(self.options)
        invitation = self._drafted(caller, request)
        key = rules.name_key(invitation.login)

        async def work(tx: Transaction) -> Invitation:
            made_id = await keys.made_before(
                tx, caller, invitation.invitation_id, invitation.created_at
            )
            if made_id is not None:
                made = await store.invitation_by_id(tx, caller.tenant_id, made_id)
                return _same(made, invitation)
            await tenants.hold_tenant(tx, caller.tenant_id)
            most = await tenants.full_at(tx, caller.tenant_id)
            if most is not None:
                raise Refused(TooManyUsers(most))
            if await store.login_exists(tx, caller.tenant_id, key):
                raise Refused(LoginTaken(invitation.login))
            for group_id in invitation.group_ids:
                if not await groups.hold_group(tx, caller.tenant_id, group_id):
                    raise Refused(GroupNotFound(str(group_id)))
            if not await store.insert_invitation(tx, caller.tenant_id, invitation, key):
                raise Refused(AlreadyInvited(invitation.login))
            await self.outbox.append(tx, caller.tenant_id, [_told(invitation)], caller)
            return invitation

        return await self.database.transact(caller.tenant_id, work)

    def _drafted(self, caller: Caller, request: Invite) -> Invitation:
        now, login = self.clock.now(), rules.checked_name("login", request.login)
        name = request.display_name
        return Invitation(
            invitation_id=self.ids.uuid7(),
            email=mail.checked_email(request.email),
            login=login,
            display_name=rules.checked_name("displayName", name) if name else login,
            is_admin=request.is_admin,
            group_ids=mail.checked_groups(request.group_ids),
            invited_by=caller.principal.user_id,
            created_at=now,
            expires_at=now + timedelta(seconds=rules.INVITATION_SECONDS),
        )

    @handles(ListInvitations)
    async def list_invitations(self, request: ListInvitations) -> Page[Invitation]:
        """List invitations by id."""
        caller = admin_of(request.caller, "see invitations")
        limit, after = page_size(request.limit), after_id(request.cursor, _CURSOR)

        async def work(tx: Transaction) -> tuple[Invitation, ...]:
            return await store.invitations_after(tx, caller.tenant_id, after, limit + 1)

        found = await self.database.read(caller.tenant_id, work)
        return page_of(found, limit, [(str(one.invitation_id),) for one in found], _CURSOR)

    @handles(GetInvitation)
    async def get_invitation(self, request: GetInvitation) -> Invitation:
        """Describe an invitation."""
        caller = admin_of(request.caller, "see invitations")

        async def work(tx: Transaction) -> Invitation | None:
            return await store.invitation_by_id(tx, caller.tenant_id, request.invitation_id)

        return _found(await self.database.read(caller.tenant_id, work))

    @handles(SendInvitationAgain)
    async def send_again(self, request: SendInvitationAgain) -> Invitation:
        """Send the mail again, with a new secret."""
        caller = admin_of(request.caller, "invite users")
        mail.check_sends_mail(self.options)
        now = self.clock.now()
        until = now + timedelta(seconds=rules.INVITATION_SECONDS)

        async def work(tx: Transaction) -> Invitation:
            place = caller.tenant_id, request.invitation_id
            if await keys.made_before(tx, caller, request.invitation_id, now) is not None:
                return _found(await store.invitation_by_id(tx, *place))
            by = caller.principal.user_id
            renewed = _found(await store.renew_invitation(tx, *place, until, by))
            await self.outbox.append(tx, caller.tenant_id, [_told(renewed)], caller)
            return renewed

        return await self.database.transact(caller.tenant_id, work)

    @handles(RevokeInvitation)
    async def revoke_invitation(self, request: RevokeInvitation) -> None:
        """Take an invitation back."""
        caller = admin_of(request.caller, "revoke invitations")

        async def work(tx: Transaction) -> None:
            login = await store.delete_invitation(tx, caller.tenant_id, request.invitation_id)
            if login is None:
                raise Refused(InvitationNotFound())
            event = InvitationRevoked(request.invitation_id, 0, login)
            await self.outbox.append(tx, caller.tenant_id, [event], caller)

        await self.database.transact(caller.tenant_id, work)

    @handles(MintInvitation)
    async def mint_invitation(self, request: MintInvitation) -> InvitationLetter | None:
        """Give an invitation the secret of the mail that is sent now."""
        token = mail.new_mail_token("i", self.ids.secret(mail.MAIL_SECRET_BYTES))
        digest, now = mail.mail_digest("i", token) or b"", self.clock.now()
        place = request.tenant_id, request.invitation_id

        async def work(tx: Transaction) -> InvitationLetter | None:
            return await store.mint_invitation(tx, *place, token, digest, now)

        return await self.database.transact(request.tenant_id, work)

    @handles(OpenInvitation)
    async def open_invitation(self, request: OpenInvitation) -> Invited:
        """Say what a token invites to."""
        return (await self._invited(request.token))[1]

    async def _invited(self, token: str) -> tuple[TenantId, Invited]:
        digest, now = mail.mail_digest("i", token), self.clock.now()
        if digest is None:
            raise Refused(InvitationNotFound())
        secret = digest

        async def find(tx: Transaction) -> tuple[TenantId, Invited] | None:
            return await store.invitation_by_secret(tx, secret, now)

        return _found(await self.database.read(None, find))

    @handles(AcceptInvitation)
    async def accept_invitation(self, request: AcceptInvitation) -> SecretIssued:
        """Make the user, with the address the mail came to, and log them in."""
        tenant_id, invited = await self._invited(request.token)
        policy = await self.access.policy(tenant_id)
        password = rules.checked_password("password", request.password, policy.min_password)
        if request.display_name:
            rules.checked_name("displayName", request.display_name)
        phc = await self.passwords.hash(password)
        user = self.access.new_user(tenant_id, invited.tenant_name, invited.login, is_admin=False)
        until = user.created_at + self.options.session_life(policy)
        token, credential = self.issuer.new("", Scope.ACCOUNT, until, request.origin)

        async def work(tx: Transaction) -> User:
            made, invitation = await self._make(tx, user, request, phc)
            joined = await self._join(tx, made, invitation.group_ids)
            idle = self.options.idle_end(credential.created_at)
            await credentials.insert_credential(tx, made, token, credential, idle)
            caller = Caller(principal_of(made, credential), request.origin)
            events = (*_accepted(made, invitation, credential), *joined)
            await self.outbox.append(tx, caller.tenant_id, events, caller)
            return made

        return SecretIssued(token, credential, await self.database.transact(tenant_id, work))

    async def _make(
        self, tx: Transaction, user: User, request: AcceptInvitation, phc: str
    ) -> tuple[User, Invitation]:
        """Use the invitation up; whatever is refused now gives it back."""
        tenant_id, now = user.tenant_id, user.created_at
        await tenants.hold_tenant(tx, tenant_id)
        digest = mail.mail_digest("i", request.token) or b""
        invitation = _found(await store.take_invitation(tx, tenant_id, digest, now))
        if await store.is_suspended(tx, tenant_id):
            raise Refused(TenantSuspended())
        most = await tenants.full_at(tx, tenant_id)
        if most is not None:
            raise Refused(TooManyUsers(most))
        made = mail.user_of(user, invitation, request.display_name)
        account = accounts.Account(made, phc)
        if not await accounts.insert_account(tx, account, rules.name_key(made.login)):
            raise Refused(LoginTaken(made.login))
        await mailboxes.set_email(tx, tenant_id, made.user_id, invitation.email, now)
        return made, invitation

    async def _join(
        self, tx: Transaction, user: User, group_ids: Sequence[GroupId]
    ) -> list[GroupJoined]:
        """Put the user in the groups that there still are."""
        joined = []
        for group_id in group_ids:
            if await groups.hold_group(tx, user.tenant_id, group_id):
                place = user.tenant_id, group_id, user.user_id
                await groups.insert_membership(tx, *place, rules.MAX_GROUPS)
                joined.append(GroupJoined(group_id, 0, user.user_id))
        return joined


def _accepted(user: User, invitation: Invitation, credential: Credential) -> tuple[Event, ...]:
    return (
        UserCreated(user.user_id, 0, user.login, user.kind, user.is_admin),
        InvitationAccepted(user.user_id, 0, invitation.invitation_id, invitation.invited_by),
        SessionOpened(credential.credential_id, 0),
    )


def _same(made: Invitation | None, asked: Invitation) -> Invitation:
    """Answer a repeat under an Idempotency-Key; what became of it meanwhile is no repeat."""
    if made is None or _words(made) != _words(asked):
        raise Refused(IdempotencyConflict())
    return made


def _words(one: Invitation) -> tuple[object, ...]:
    return one.email, one.login, one.display_name, one.is_admin, one.group_ids


def _told(one: Invitation) -> UserInvited:
    return UserInvited(one.invitation_id, 0, one.login, one.is_admin)


def _found(found: T | None) -> T:
    if found is None:
        raise Refused(InvitationNotFound())
    return found

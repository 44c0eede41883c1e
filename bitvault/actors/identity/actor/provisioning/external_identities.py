"""Users whom a provider of identities vouches for."""

from uuid import UUID

from attrs import define, evolve

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess, hold_active
from bitvault.actors.identity.actor.accounts.issuer import CredentialIssuer, principal_of
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import (
    AdmitOutsider,
    Group,
    GroupCreated,
    GroupJoined,
    GroupLeft,
    NotAdmitted,
    OpenSessionOf,
    SecretIssued,
    SessionOpened,
    Unauthenticated,
    User,
    UserCreated,
    UserTied,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.store import accounts, groups, outside, tenants
from bitvault.actors.identity.store import credentials as store
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import GroupId, Ids, UserId
from bitvault.kernel.principal import Caller, Principal
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox
from supervisors import handles

_NOBODY = UUID(int=0)


@define(eq=False)
class ExternalIdentities:
    """Which account an identity outside is, its groups, and its sessions."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    options: IdentityOptions
    access: AccountAccess
    issuer: CredentialIssuer
    principals: Principals

    @handles(AdmitOutsider)
    async def admit_outsider(self, request: AdmitOutsider) -> User:
        """Find or make the account, and take over what was said of groups."""

        async def work(tx: Transaction) -> User:
            # Groups and users are made one at a time; that also keeps two first sign-ins apart.
            await tenants.hold_tenant(tx, request.tenant_id)
            told: list[Event] = []
            user = await self._outsider(tx, request, told)
            await self._regroup(tx, request, user, told)
            if told:
                await self.outbox.append(tx, user.tenant_id, told, _caller(user, request))
            return user

        user = await self.database.transact(request.tenant_id, work)
        self.principals.forget(user.tenant_id, user.user_id)
        return user

    async def _outsider(self, tx: Transaction, request: AdmitOutsider, told: list[Event]) -> User:
        who = request.outsider
        user = await outside.outsider(tx, request.tenant_id, who.issuer, who.subject)
        if user is None and who.external_id:
            user = await self._expected(tx, request, who.external_id, told)
        if user is None:
            return await self._newcomer(tx, request, told)
        if user.is_disabled:
            raise Refused(NotAdmitted("the user is disabled"))
        return user

    async def _expected(
        self, tx: Transaction, request: AdmitOutsider, external_id: str, told: list[Event]
    ) -> User | None:
        """Tie the account that a directory made for them to who comes with its external id."""
        known = rules.checked_external_id(external_id)
        user = await outside.provisioned(tx, request.tenant_id, known)
        if user is not None and not user.is_disabled:
            await outside.insert_outsider(tx, user, request.outsider, self.clock.now())
            told.append(UserTied(user.user_id, 0, request.outsider.issuer))
        return user

    async def _newcomer(self, tx: Transaction, request: AdmitOutsider, told: list[Event]) -> User:
        """Make an account. A login that is taken is somebody else's, whatever the provider says."""
        found = await tenants.find_tenant(tx, request.tenant_id)
        if found is None or not request.makes_users:
            raise Refused(NotAdmitted("the user is not known here, and may not be made"))
        if found.is_suspended:
            raise Refused(NotAdmitted("the tenant is suspended, so no user is made"))
        if await tenants.full_at(tx, request.tenant_id) is not None:
            raise Refused(NotAdmitted("the tenant has as many users as it may have"))
        who, name = request.outsider, found.name
        user = self.access.new_user(request.tenant_id, name, who.login, is_admin=False)
        if who.display_name:
            user = evolve(user, display_name=rules.checked_name("name", who.display_name))
        account = accounts.Account(user, None)
        if not await accounts.insert_account(tx, account, rules.name_key(user.login)):
            raise Refused(NotAdmitted(f"the login {user.login!r} is another user's"))
        await outside.insert_outsider(tx, user, who, user.created_at)
        told.append(UserCreated(user.user_id, 0, user.login, user.kind, user.is_admin))
        return user

    async def _regroup(
        self, tx: Transaction, request: AdmitOutsider, user: User, told: list[Event]
    ) -> None:
        """Give what is said and not had, take what this source gave and says no more."""
        if request.outsider.groups is None:
            return
        wanted = {rules.name_key(name): name for name in request.outsider.groups}
        given = await groups.groups_given(tx, user.tenant_id, user.user_id, request.source)
        for group in given:
            if rules.name_key(group.name) not in wanted:
                await groups.delete_membership(tx, user.tenant_id, group.group_id, user.user_id)
                told.append(GroupLeft(group.group_id, 0, user.user_id))
        had = await groups.groups_of(tx, user.tenant_id, user.user_id)
        for name in {k: wanted[k] for k in sorted(wanted.keys() - set(map(_key, had)))}.values():
            group = await self._group(tx, user, name, told)
            place = user.tenant_id, group.group_id, user.user_id
            if not await groups.insert_membership(tx, *place, rules.MAX_GROUPS, request.source):
                raise Refused(NotAdmitted("the user would be in too many groups"))
            told.append(GroupJoined(group.group_id, 0, user.user_id))

    async def _group(self, tx: Transaction, user: User, given: str, told: list[Event]) -> Group:
        name = rules.checked_name("groups", given)
        key = rules.name_key(name)
        group = await groups.group_named(tx, user.tenant_id, key)
        if group is None:
            group = Group(GroupId(self.ids.uuid7()), name, self.clock.now())
            await groups.insert_group(tx, user.tenant_id, group, key)
            told.append(GroupCreated(group.group_id, 0, name))
        return group

    @handles(OpenSessionOf)
    async def open_session_of(self, request: OpenSessionOf) -> SecretIssued:
        """Open a session, unless the user was disabled a moment ago."""
        tenant_id, origin = request.tenant_id, request.origin
        token, credential = await self.issuer.session(tenant_id, "", origin)
        first = self.issuer.first(credential, wanted=request.is_refreshable)
        now = credential.created_at
        idle = self.options.idle_end(now)

        async def work(tx: Transaction) -> User:
            account = await accounts.account_by_id(tx, tenant_id, request.user_id)
            if account is None:
                raise Refused(Unauthenticated())
            user = account.user
            await hold_active(tx, user)
            await store.delete_expired_sessions(tx, user, now)
            await store.insert_credential(tx, user, token, credential, idle, first)
            if request.vouching is not None:
                await outside.insert_vouched(tx, user, credential.credential_id, request.vouching)
            who = Caller(principal_of(user, credential), origin)
            opened = SessionOpened(credential.credential_id, 0)
            await self.outbox.append(tx, tenant_id, [opened], who)
            return user

        user = await self.database.transact(tenant_id, work)
        return SecretIssued(token, credential, user, first)


def _key(group: Group) -> str:
    return rules.name_key(group.name)


def _caller(user: User, request: AdmitOutsider) -> Caller:
    """Return who did it: users themselves, by coming in."""
    principal = Principal(user.tenant_id, UserId(user.user_id), user.login, user.is_admin, _NOBODY)
    return Caller(principal, request.origin)

"""Names that only one user or group of a tenant has; what takes one holds the tenant."""

from bitvault.actors.identity import rules
from bitvault.actors.identity.contract import ExternalIdTaken, Group, GroupTaken, LoginTaken, User
from bitvault.actors.identity.store import groups
from bitvault.actors.identity.store import provisioning as store
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.ids import GroupId, TenantId
from bitvault.kernel.refusal import Refused


async def take_login(tx: Transaction, user: User) -> None:
    """Give a user the login that they are to have.

    Raises:
        Refused: ``LoginTaken``.
    """
    key = rules.name_key(user.login)
    if await store.login_owner(tx, user.tenant_id, key) not in {None, user.user_id}:
        raise Refused(LoginTaken(user.login))
    await store.set_login(tx, user, key)


async def take_external_id(tx: Transaction, user: User, external_id: str) -> None:
    """Note what the directory calls a user; empty: nothing any more.

    Raises:
        Refused: ``ExternalIdTaken``.
    """
    owner = await store.external_user(tx, user.tenant_id, external_id)
    if owner not in {None, user.user_id}:
        raise Refused(ExternalIdTaken(external_id))
    await store.set_external_user(tx, user, external_id)


async def rename_group(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, name: str
) -> Group | None:
    """Give a group the name that it is to have; None when there is no such group.

    Raises:
        Refused: ``GroupTaken``.
    """
    key = rules.name_key(name)
    other = await groups.group_named(tx, tenant_id, key)
    if other is not None and other.group_id != group_id:
        raise Refused(GroupTaken(name))
    return await groups.rename_group(tx, tenant_id, group_id, name, key)


async def take_group_external_id(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, external_id: str
) -> None:
    """Note what the directory calls a group; empty: nothing any more.

    Raises:
        Refused: ``ExternalIdTaken``.
    """
    if await store.external_group(tx, tenant_id, external_id) not in {None, group_id}:
        raise Refused(ExternalIdTaken(external_id))
    await store.set_external_group(tx, tenant_id, group_id, external_id)

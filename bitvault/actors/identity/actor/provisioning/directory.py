"""Names that only one user of a tenant has; whoever takes one holds the tenant."""

from bitvault.actors.identity import rules
from bitvault.actors.identity.contract import ExternalIdTaken, LoginTaken, User
from bitvault.actors.identity.store import provisioning as store
from bitvault.drivers.postgres.port import Transaction
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

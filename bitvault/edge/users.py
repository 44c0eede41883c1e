"""Deleting a user: what two services do one after the other."""

from bitvault.actors.files.contract import PassedOn, PassOn
from bitvault.actors.identity.contract import DeleteUser, User
from bitvault.edge.services import Services
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller


async def delete_user(
    services: Services, caller: Caller, user: User, heir: UserId | None
) -> PassedOn | None:
    """Delete a user, in an order that can be interrupted anywhere; return the space they left.

    The user has to be disabled: once nobody may act as them, nothing comes after what is passed on.
    """
    passed = await services.ask(PassOn(caller, user.user_id, user.login, heir))
    await services.ask(DeleteUser(caller, user.user_id))
    return passed

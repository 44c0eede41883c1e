"""What becomes of a user's files when the user goes: all of it stays."""

from attrs import define

from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import PassedOn, PassOn, Role, SpacePassedOn, SpaceTaken
from bitvault.actors.files.rules.names import MAX_NAME_BYTES, name_key, numbered
from bitvault.actors.files.store.spaces import hold_names, put_member
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import SpaceId
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Refused
from supervisors import handles

# Here and not in the store: these five statements serve this one message.
SQL = load_queries("bitvault.actors.files.actor", "ownership.sql")
_NAMES = 100


@define(eq=False)
class OwnershipTransfer:
    """Gives a user's personal space to the team."""

    transactions: FilesTransactions

    @handles(PassOn)
    async def pass_on(self, message: PassOn) -> PassedOn | None:
        """Make a user's personal space a team space, and take the user out of every other."""
        caller = admin_of(message.caller, "pass on what users have")

        async def work(tx: Transaction) -> PassedOn | None:
            owner = {"tenant": caller.tenant_id, "owner_id": message.owner_id}
            await tx.execute(SQL["leave_spaces"], **owner)
            space = await tx.fetchrow(SQL["personal_space"], **owner)
            if space is None:
                return None
            passed = PassedOn(SpaceId(space["space_id"]), await _free_name(tx, caller, message))
            await tx.execute(
                SQL["pass_on"],
                tenant=caller.tenant_id,
                space_id=passed.space_id,
                name=passed.name,
                name_key=name_key(passed.name),
            )
            await tx.execute(SQL["own_quota"], tenant=caller.tenant_id, space_id=passed.space_id)
            if message.heir_id is not None:
                heir = passed.space_id, message.heir_id, Role.MANAGER
                await put_member(tx, caller, *heir)
            event = SpacePassedOn(
                passed.space_id,
                space["revision"] + 1,
                passed.name,
                message.owner_id,
                message.heir_id,
                space["root_id"],
            )
            await self.transactions.appender(caller)(tx, [event])
            return passed

        return await self.transactions.write(caller, work)


async def _free_name(tx: Transaction, caller: Caller, message: PassOn) -> str:
    named = f"Files of {message.login}".replace("/", "-").replace("\\", "-")
    named = named.encode()[:MAX_NAME_BYTES].decode(errors="ignore").rstrip()
    names = [named, *(numbered(named, number) for number in range(2, _NAMES))]
    keys = {name_key(name): name for name in names}
    await hold_names(tx, caller)
    rows = await tx.fetch(SQL["names_taken"], tenant=caller.tenant_id, name_keys=list(keys))
    taken = {row["name_key"] for row in rows}
    free = next((name for key, name in keys.items() if key not in taken), None)
    if free is None:
        raise Refused(SpaceTaken(named))
    return free

"""The identity room: who is who, and by which secret."""

from attrs import define

from bitvault.actors.identity.actor.accounts import Accounts
from bitvault.actors.identity.actor.devices import Devices
from bitvault.actors.identity.actor.doorkeeper import Doorkeeper
from bitvault.actors.identity.actor.erasures import Erasures
from bitvault.actors.identity.actor.groups import Groups
from bitvault.actors.identity.actor.invitations import Invitations
from bitvault.actors.identity.actor.lifecycle import Lifecycle
from bitvault.actors.identity.actor.outside import Outside
from bitvault.actors.identity.actor.policies import Policies
from bitvault.actors.identity.actor.provisioning import Provisioning
from bitvault.actors.identity.actor.resets import Resets
from bitvault.actors.identity.actor.rotations import Rotations
from bitvault.actors.identity.actor.runs import Runs
from bitvault.actors.identity.actor.tenants import Tenants
from bitvault.actors.identity.actor.tokens import Tokens
from bitvault.actors.identity.actor.withdrawals import Withdrawals

__all__ = ["Identity"]


@define(eq=False)
class Identity(
    Devices,
    Tokens,
    Accounts,
    Lifecycle,
    Groups,
    Tenants,
    Policies,
    Erasures,
    Invitations,
    Resets,
    Doorkeeper,
    Outside,
    Rotations,
    Withdrawals,
    Provisioning,
    Runs,
):
    """The room, put together: one class of handlers for each part of the contract."""

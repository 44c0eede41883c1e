"""The sso room: providers, and signing in with them."""

from attrs import define

from bitvault.actors.sso.actor.logouts import Logouts
from bitvault.actors.sso.actor.providers import Providers
from bitvault.actors.sso.actor.sign_ins import SignIns

__all__ = ["Sso"]


@define(eq=False)
class Sso(Providers, SignIns, Logouts):
    """The room, put together; apart from identity, which must not wait for others' servers."""
